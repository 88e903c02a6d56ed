import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mintToken } from "../src/cli/mint.ts";
import { loadDevConfig, VARIABLES } from "../src/config.ts";
import { makeDataDir } from "../src/dev/data-dir.ts";
import { lockDataDir } from "../src/dev/lock.ts";
import { freePort } from "../src/dev/ports.ts";
import { startPostgres, stopLeftoverPostgres } from "../src/dev/postgres-server.ts";
import type { Say } from "../src/dev/progress.ts";
import { devSecret } from "../src/dev/secret.ts";
import { type ServerProcess, startServer, stopLeftover } from "../src/dev/server-process.ts";
import { temporalBinary } from "../src/dev/temporal-binary.ts";
import { startTemporal, stopLeftoverTemporal } from "../src/dev/temporal-server.ts";

export interface DemoStack {
  apiUrl: string;
  dataDir: string;
  tokenFor(sub: string): string;
  /** kill -9, nothing drained: of the worker, and of Temporal unless another one was named. */
  kill(): Promise<void>;
  startAgain(): Promise<void>;
  /** What is killed. */
  victims: string;
}

type Stop = () => Promise<unknown>;

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));

/** The production processes, each a process of its own, on a database and a Temporal server that only the demo uses. */
export async function startDemoStack(say: Say, onStop: (stop: Stop) => void): Promise<DemoStack> {
  const dev = loadDevConfig();
  const dataDir = await emptyDataDir(join(dev.dataDir, "demo"));
  const binary = dev.temporalAddress ? "" : await temporalBinary(dev.cacheDir, say);
  const [apiPort, postgresPort, temporalPort] = [await freePort(), await freePort(), await freePort()];
  const auth = { issuer: "demo", audience: "demo", secret: devSecret(dataDir, "jwt-secret") };

  const postgres = await startPostgres({ dataDir, port: postgresPort });
  onStop(() => postgres.stop());
  const startTemporalServer = async () =>
    dev.temporalAddress ? undefined : startTemporal({ binary, dataDir, port: temporalPort, namespace: "default" });
  let temporal: ServerProcess | undefined = await startTemporalServer();
  onStop(async () => temporal?.stop());

  const isNamed = (name: string) => dev.temporalAddress !== undefined && name.startsWith("TEMPORAL_");
  const variables = {
    // What else is set here is for other servers.
    ...Object.fromEntries(VARIABLES.filter((name) => !isNamed(name)).map((name) => [name, ""])),
    ...{ HOST: "127.0.0.1", PORT: apiPort, DATABASE_URL: postgres.url },
    ...(!dev.temporalAddress && { TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`, TEMPORAL_NAMESPACE: "default" }),
    ...{ JWT_SECRET: auth.secret, JWT_ISSUER: auth.issuer, JWT_AUDIENCE: auth.audience },
    ...{ ALLOW_PRIVATE_ENDPOINTS: "true", LOG_LEVEL: "info" },
  };
  const startProcess = (name: "api" | "worker") =>
    startServer({ ...placesOf(dataDir, name), ...commandOf(name, variables) });
  const api = startProcess("api");
  onStop(() => api.stop());
  let worker = startProcess("worker");
  onStop(() => worker.stop());

  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    dataDir,
    tokenFor: (sub) => mintToken(auth, { sub, projects: ["demo"], scopes: ["*"] }),
    victims: temporal ? "the worker and the Temporal server" : "the worker",
    async kill() {
      process.kill(worker.pid, "SIGKILL");
      if (temporal) process.kill(temporal.pid, "SIGKILL");
      await Promise.all([worker.exited, temporal?.exited]);
    },
    async startAgain() {
      temporal = await startTemporalServer();
      worker = startProcess("worker");
    },
  };
}

/** Nothing of an earlier demo may be taken for a success of this one. */
async function emptyDataDir(dataDir: string): Promise<string> {
  makeDataDir(dataDir);
  lockDataDir(dataDir);
  for (const name of ["worker", "api"] as const) {
    await stopLeftover(placesOf(dataDir, name).pidFile, scriptOf(name), "SIGTERM");
  }
  await stopLeftoverTemporal(dataDir);
  await stopLeftoverPostgres(dataDir);
  for (const name of readdirSync(dataDir)) if (name !== "lock") rmSync(join(dataDir, name), { recursive: true });
  return dataDir;
}

function placesOf(dataDir: string, name: string) {
  return { name: `The ${name}`, logFile: join(dataDir, `${name}.log`), pidFile: join(dataDir, `${name}.pid`) };
}

/** `env` sets the variables and then becomes the process itself, so that a kill by its pid hits nothing in between. */
function commandOf(name: string, variables: Record<string, string | number>) {
  const settings = Object.entries(variables).map(([variable, value]) => `${variable}=${value}`);
  const script = [join(SOURCES, "boot.mjs"), scriptOf(name)];
  return { command: "env", args: [...settings, process.execPath, ...script], stopSignal: "SIGTERM" as const };
}

function scriptOf(name: string): string {
  return join(SOURCES, `${name}.ts`);
}
