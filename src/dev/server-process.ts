import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServerSpec {
  /** Its name in messages. */
  name: string;
  command: string;
  args: string[];
  logFile: string;
  pidFile: string;
  /** Makes it end by itself, cleanly. */
  stopSignal: NodeJS.Signals;
}

export interface ServerProcess {
  pid: number;
  /** Settles when the process is gone, for whatever reason. */
  exited: Promise<void>;
  isRunning(): boolean;
  stop(): Promise<void>;
}

const PATIENCE_MS = 15_000;

/**
 * Starts a server in a session of its own, so that a Ctrl-C in our terminal does not reach it: we drain first, and then stop it. If we
 * are killed, it goes on, and stopLeftover ends it at the next start. If we end in any other way, we tell it to stop.
 */
export function startServer(spec: ServerSpec): ServerProcess {
  const log = openSync(spec.logFile, "a");
  const child = spawn(spec.command, spec.args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let running = true;
  const exited = new Promise<void>((resolve) => {
    const tell = () => child.kill(spec.stopSignal);
    process.once("exit", tell);
    const gone = () => {
      running = false;
      process.off("exit", tell);
      resolve();
    };
    child.once("exit", gone);
    child.once("error", gone);
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${spec.name} could not be started: ${spec.command} can't be run.`);
  writeFileSync(spec.pidFile, String(pid));
  return {
    pid,
    exited,
    isRunning: () => running,
    async stop() {
      if (running) child.kill(spec.stopSignal);
      await Promise.race([exited, sleep(PATIENCE_MS, undefined, { ref: false })]);
      if (running) child.kill("SIGKILL");
      await exited;
      rmSync(spec.pidFile, { force: true });
    },
  };
}

/**
 * Ends the server that a killed predecessor of ours left running. `marker` must occur in its command line: by now
 * the number in the pid file may belong to anyone.
 */
export async function stopLeftover(pidFile: string, marker: string, stopSignal: NodeJS.Signals): Promise<boolean> {
  const pid = Number(readOrNothing(pidFile));
  const isOurs = () => pid > 0 && commandOf(pid).includes(marker);
  if (!isOurs()) return false;
  process.kill(pid, stopSignal);
  for (const giveUp = Date.now() + PATIENCE_MS; isOurs(); await sleep(50)) {
    if (Date.now() > giveUp) process.kill(pid, "SIGKILL");
  }
  rmSync(pidFile, { force: true });
  return true;
}

/** The command line of a process, empty if there is none (a zombie has none either). */
export function commandOf(pid: number): string {
  if (process.platform === "linux") return readOrNothing(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

/** The end of a server's log, for the message that says it did not start. */
export function lastLines(file: string, count = 3): string {
  return readOrNothing(file).trimEnd().split("\n").slice(-count).join("\n");
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
