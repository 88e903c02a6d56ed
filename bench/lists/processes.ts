import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "../../src/dev/ports.ts";

export interface Served {
  pid: number;
  origin: string;
  stop(): Promise<void>;
}

/** Starts a file of the project as a server in a process of its own, on a free port. */
export async function serveIn(file: string, env: Record<string, string>): Promise<Served> {
  const port = await freePort();
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const tell = () => child.kill();
  process.once("exit", tell);
  await listens(child, file);
  return {
    pid: child.pid as number,
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      process.off("exit", tell);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}

function listens(child: ChildProcess, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code} before it listened`)));
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes("listening")) resolve();
    });
  });
}
