import { setTimeout as sleep } from "node:timers/promises";
import { type Config, ConfigError, type DevConfig } from "../config.ts";
import { makeDataDir } from "./data-dir.ts";
import { lockDataDir } from "./lock.ts";
import { assertFree } from "./ports.ts";
import { startPostgres, stopLeftoverPostgres } from "./postgres-server.ts";
import { type Say, sayIfSlow } from "./progress.ts";
import { devSecret } from "./secret.ts";
import type { ServerProcess } from "./server-process.ts";
import { temporalBinary } from "./temporal-binary.ts";
import { startTemporal, stopLeftoverTemporal } from "./temporal-server.ts";

export interface EmbeddedStack {
  config: Config & { auth: { secret: string } };
  stop(): Promise<void>;
}

/** Provides what the configuration does not name: a PostgreSQL, a Temporal server, secrets. */
export async function startEmbeddedStack(dev: DevConfig, say: Say): Promise<EmbeddedStack> {
  const { dataDir } = dev;
  if ("keySets" in dev.auth) throw new ConfigError("JWKS_URI is for the production processes: unset it here.");
  makeDataDir(dataDir);
  lockDataDir(dataDir);
  const servers: Supervised[] = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    await stopLeftovers(dataDir, say);
    await assertFree(portsOf(dev));
    const begin = async <T extends ServerProcess>(name: string, start: () => Promise<T>): Promise<T> => {
      const supervised = await supervise(name, start, say);
      servers.push(supervised);
      return supervised.first;
    };
    const postgres = async () => {
      if (dev.databaseUrl) return dev.databaseUrl;
      const starting = begin("PostgreSQL", () => startPostgres({ dataDir, port: dev.postgresPort }));
      return (await sayIfSlow(say, "Starting PostgreSQL", starting)).url;
    };
    const temporal = async () => {
      if (dev.temporalAddress) return dev.temporalAddress;
      const { temporalPort: port, temporalUiPort: uiPort, temporalNamespace: namespace } = dev;
      const binary = await temporalBinary(dev.cacheDir, say);
      const starting = begin("The Temporal server", () => startTemporal({ binary, dataDir, port, uiPort, namespace }));
      return (await sayIfSlow(say, "Starting Temporal", starting)).address;
    };
    // Both have come up, or not, before either is stopped.
    const starting = [temporal(), postgres()] as const;
    await Promise.allSettled(starting);
    const [temporalAddress, databaseUrl] = await Promise.all(starting);
    const auth = { secret: devSecret(dataDir, "jwt-secret"), isMadeHere: !("secret" in dev.auth), ...dev.auth };
    const runTokenSecret = dev.runTokenSecret ?? devSecret(dataDir, "run-token-secret");
    return { config: { ...dev, databaseUrl, temporalAddress, auth, runTokenSecret }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stopLeftovers(dataDir: string, say: Say): Promise<void> {
  const left = [await stopLeftoverTemporal(dataDir), await stopLeftoverPostgres(dataDir)];
  if (left.includes(true)) say("Stopped the servers that an earlier, killed start had left running.");
}

function portsOf(dev: DevConfig) {
  const local = "127.0.0.1";
  return [
    { variable: "PORT", port: dev.port, host: dev.host },
    ...(dev.metricsPort ? [{ variable: "METRICS_PORT", port: dev.metricsPort, host: dev.host }] : []),
    { variable: "EXAMPLE_JOBS_PORT", port: dev.exampleJobsPort, host: local },
    ...(dev.databaseUrl ? [] : [{ variable: "POSTGRES_PORT", port: dev.postgresPort, host: local }]),
    ...(dev.temporalAddress
      ? []
      : [
          { variable: "TEMPORAL_PORT", port: dev.temporalPort, host: local },
          { variable: "TEMPORAL_UI_PORT", port: dev.temporalUiPort, host: local },
        ]),
  ];
}

interface Supervised {
  stop(): Promise<void>;
}

/** Starts a server, and again whenever it ends without being told to. */
async function supervise<T extends ServerProcess>(
  name: string,
  start: () => Promise<T>,
  say: Say,
): Promise<Supervised & { first: T }> {
  const first = await start();
  let current: ServerProcess = first;
  let stopping = false;
  const watch = async () => {
    while (true) {
      await current.exited;
      if (stopping) return;
      say(`${name} ended unexpectedly. Starting it again.`);
      try {
        current = await start();
        say(`${name} runs again.`);
      } catch (error) {
        say((error as Error).message);
        await sleep(2000);
      }
    }
  };
  const watching = watch();
  return {
    first,
    async stop() {
      stopping = true;
      await current.stop();
      await watching;
    },
  };
}
