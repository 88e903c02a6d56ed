import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Stops a process and its children again and again, as a host does that is overloaded. Returns what ends that. */
export function stutter(pid: number, { stoppedMs, runningMs }: { stoppedMs: number; runningMs: number }) {
  const over = new AbortController();
  const { signal } = over;
  const stuttering = (async () => {
    while (!signal.aborted) {
      const stopped = [pid, ...childrenOf(pid)];
      for (const each of stopped) send(each, "SIGSTOP");
      await sleep(stoppedMs, undefined, { signal }).catch(() => {});
      for (const each of stopped) send(each, "SIGCONT");
      await sleep(runningMs, undefined, { signal }).catch(() => {});
    }
  })();
  return async () => {
    over.abort();
    await stuttering;
  };
}

function childrenOf(pid: number): number[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.filter((process) => parentOf(process) === pid).map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
