import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lastLines, type ServerProcess, startServer } from "../../src/dev/server-process.ts";

/** What a process of the bench prints when it can be used. */
export const READY = "bench process is ready";
const PATIENCE_MS = 60_000;

/** Starts a script below bench/ as a process of its own, and returns once it says that it is ready. */
export async function startNode(options: {
  name: string;
  script: string;
  dataDir: string;
  variables: Record<string, string>;
}): Promise<ServerProcess> {
  const { name, script, dataDir, variables } = options;
  const place = join(dataDir, `${name}-${Date.now()}`);
  const logFile = `${place}.log`;
  const settings = Object.entries(variables).map(([variable, value]) => `${variable}=${value}`);
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const server = startServer({
    name,
    // `env` sets the variables and then becomes the process itself.
    command: "env",
    args: [...settings, process.execPath, "src/boot.mjs", path],
    logFile,
    pidFile: `${place}.pid`,
    stopSignal: "SIGTERM",
  });
  for (const giveUp = Date.now() + PATIENCE_MS; !readFileSync(logFile, "utf8").includes(READY); await sleep(50)) {
    if (server.isRunning() && Date.now() < giveUp) continue;
    await server.stop();
    throw new Error(`${name} did not start:\n${lastLines(logFile, 20)}`);
  }
  return server;
}
