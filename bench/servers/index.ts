import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode } from "./node-process.ts";
import { startTemporalOnPostgres } from "./temporal-on-postgres.ts";
import { loadDevConfig } from "../../src/config.ts";
import { freePort } from "../../src/dev/ports.ts";
import { startPostgres } from "../../src/dev/postgres-server.ts";
import { lastLines } from "../../src/dev/server-process.ts";
import { temporalBinary } from "../../src/dev/temporal-binary.ts";
import { startTemporal } from "../../src/dev/temporal-server.ts";

export type TemporalKind = "dev" | "postgres";
type Stop = () => Promise<unknown>;

export interface Servers {
  databaseUrl: string;
  temporalAddress: string;
  /** The job endpoint; see endpoint.ts for what it answers. */
  endpointUrl: string;
  /** Whose CPU time is told apart. What a bench starts itself is added to it. */
  pids: Record<string, number>;
  /** What the product is told by its environment: the servers, and by which secret tokens are signed. */
  variables: Record<string, string>;
  /** Whose tokens the product takes. */
  auth: typeof AUTH;
  /** Called at the end, before the servers are stopped. */
  onStop(stop: Stop): void;
  /** The product, API and worker in one process. */
  startProduct(variables?: Record<string, string>, name?: string): Promise<{ url: string; stop: Stop }>;
  /** Another process of the bench's own, by its script below bench/. */
  startScript(name: string, script: string, variables: Record<string, string>): Promise<{ stop: Stop }>;
}

const AUTH = { issuer: "bench", audience: "bench", secret: randomBytes(32).toString("hex") };
const say = (line: string) => console.error(line);

/**
 * Runs a bench on servers of its own, each a process of its own, in a data directory of their own. However it ends,
 * also by Ctrl-C, they are stopped and their data is deleted.
 */
export async function withServers(
  kind: TemporalKind,
  bench: (servers: Servers) => Promise<void>,
  postgresSettings: string[] = [],
  /** Of the dev server's dynamic configuration. */
  temporalSettings: string[] = [],
): Promise<void> {
  const stops: Stop[] = [];
  const onStop = (stop: Stop) => stops.push(stop);
  const stopAll = async () => {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
  };
  const dataDir = mkdtempSync(join(tmpdir(), "bench-"));
  onStop(async () => rmSync(dataDir, { recursive: true, force: true }));
  let interrupted = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => {
      interrupted = true;
      void stopAll().finally(() => process.exit(130));
    });
  }
  try {
    await bench(await start(kind, dataDir, onStop, postgresSettings, temporalSettings));
  } catch (error) {
    // What fails because it was stopped half-way is no news; the end comes from the signal.
    if (interrupted) return;
    console.error(error);
    // The logs are deleted with the rest.
    for (const file of readdirSync(dataDir).filter((name) => name.endsWith(".log")))
      console.error(`\n${file} ends with:\n${lastLines(join(dataDir, file), 5)}`);
    process.exitCode = 1;
  }
  await stopAll();
  process.exit();
}

async function start(
  kind: TemporalKind,
  dataDir: string,
  onStop: (stop: Stop) => void,
  postgresSettings: string[],
  temporalSettings: string[],
): Promise<Servers> {
  const { cacheDir } = loadDevConfig();
  const postgres = await startPostgres({ dataDir, port: await freePort(), settings: postgresSettings });
  onStop(() => postgres.stop());
  const temporal =
    kind === "dev"
      ? await startTemporal({
          binary: await temporalBinary(cacheDir, say),
          dataDir,
          port: await freePort(),
          namespace: "default",
          settings: temporalSettings,
        })
      : await startTemporalOnPostgres({ cacheDir, dataDir, databaseUrl: postgres.url, say });
  onStop(() => temporal.stop());

  const pids: Record<string, number> = { client: process.pid, temporal: temporal.pid, postgres: postgres.pid };
  const startScript = async (name: string, script: string, variables: Record<string, string>) => {
    const server = await startNode({ name, script, dataDir, variables });
    pids[name] = server.pid;
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= server.stop();
      delete pids[name];
      return stopped;
    };
    onStop(stop);
    return { stop };
  };
  const endpointPort = await freePort();
  await startScript("endpoint", "servers/endpoint.ts", { PORT: String(endpointPort) });
  const standard = {
    ...{ DATABASE_URL: postgres.url, TEMPORAL_ADDRESS: temporal.address },
    ...{ JWT_SECRET: AUTH.secret, JWT_ISSUER: AUTH.issuer, JWT_AUDIENCE: AUTH.audience },
    ALLOW_PRIVATE_ENDPOINTS: "true",
  };
  return {
    databaseUrl: postgres.url,
    temporalAddress: temporal.address,
    endpointUrl: `http://127.0.0.1:${endpointPort}`,
    pids,
    variables: standard,
    auth: AUTH,
    onStop,
    startScript,
    async startProduct(variables = {}, name = "product") {
      const port = await freePort();
      const { stop } = await startScript(name, "servers/product.ts", {
        ...standard,
        ...{ HOST: "127.0.0.1", PORT: String(port), LOG_LEVEL: "warn" },
        ...variables,
      });
      return { url: `http://127.0.0.1:${port}`, stop };
    },
  };
}
