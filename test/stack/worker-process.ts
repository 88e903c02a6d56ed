import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Stack } from "./harness.ts";

/** src/worker.ts as a process of its own, which a test may kill. Resolves when it polls. */
export async function startWorkerProcess({
  config,
}: Stack): Promise<{ pid: number; kill(): Promise<void>; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ["--import", "tsx", "src/worker.ts"], {
    env: {
      ...process.env,
      DATABASE_URL: config.databaseUrl,
      TEMPORAL_ADDRESS: config.temporalAddress,
      TEMPORAL_NAMESPACE: config.temporalNamespace,
      JWT_SECRET: config.auth.secret,
      JWT_ISSUER: config.auth.issuer,
      JWT_AUDIENCE: config.auth.audience,
      RUN_TOKEN_SECRET: config.runTokenSecret,
      ALLOW_PRIVATE_ENDPOINTS: String(config.allowPrivateEndpoints),
      LOG_LEVEL: "info",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  await polls(child);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return { pid: child.pid as number, kill: () => end("SIGKILL"), stop: () => end("SIGTERM") };
}

function polls(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the worker process ended with ${code} before it polled`)));
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes('"polling"')) resolve();
    });
  });
}
