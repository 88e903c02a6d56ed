import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../../src/dev/ports.ts";

export interface Served {
  pid: number;
  origin: string;
  stop(): Promise<void>;
  /** At once, as a crash does. */
  kill(): Promise<void>;
  /** Its exit code, once it has ended, by a signal or by itself. */
  exited: Promise<number | null>;
}

/** Starts a file of the project as a server in a process of its own, on a free port unless `env` names one. It can be used once it logs `ready`. */
export async function serveIn(file: string, env: Record<string, string>, ready = "listening"): Promise<Served> {
  const port = Number(env.PORT ?? (await freePort()));
  const child = spawn(process.execPath, ["src/boot.mjs", file], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const tell = () => child.kill();
  process.once("exit", tell);
  await saysReady(child, file, ready);
  const end = async (signal: NodeJS.Signals) => {
    process.off("exit", tell);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return {
    pid: child.pid as number,
    origin: `http://127.0.0.1:${port}`,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    exited,
  };
}

function saysReady(child: ChildProcess, file: string, ready: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code} before it was ready`)));
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes(ready)) resolve();
    });
  });
}
