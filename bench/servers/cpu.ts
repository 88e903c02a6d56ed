import { readdirSync, readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** CPU seconds that each process has used, with its children, those already gone included (PostgreSQL has many). */
export function cpuSeconds(pids: Record<string, number>): Record<string, number> {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const stats = new Map(processes.flatMap((pid) => statOf(Number(pid))).map((stat) => [stat.pid, stat]));
  const secondsOf = (pid: number): number => {
    const children = [...stats.values()].filter((stat) => stat.parent === pid);
    return (stats.get(pid)?.seconds ?? 0) + children.reduce((sum, child) => sum + secondsOf(child.pid), 0);
  };
  const { client, ...others } = pids;
  const seconds = Object.entries(others).map(([name, pid]) => [name, secondsOf(pid)] as const);
  // Everything else is a child of the client.
  const own = client === undefined ? [] : [["client", process.cpuUsage()] as const];
  return {
    ...Object.fromEntries(seconds),
    ...Object.fromEntries(own.map(([name, { user, system }]) => [name, (user + system) / 1e6])),
  };
}

/** CPU milliseconds a run, by process, of `runs` runs between two looks. */
export function cpuARun(
  before: Record<string, number>,
  after: Record<string, number>,
  runs: number,
): Record<string, number> {
  const msARun = Object.entries(after).map(([name, seconds]) => [
    name,
    ((seconds - (before[name] ?? 0)) * 1000) / runs,
  ]);
  return Object.fromEntries(msARun);
}

function statOf(pid: number): { pid: number; parent: number; seconds: number }[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name in parentheses, which may hold spaces: state, ppid, ..., utime, stime, cutime, cstime.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [{ pid, parent: Number(fields[1]), seconds: ticks / TICKS_A_SECOND }];
  } catch {
    return [];
  }
}
