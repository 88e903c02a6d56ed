import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { makeNamespace } from "./namespace.ts";
import { temporalConfig } from "./temporal-config.ts";
import { temporalServerBinaries } from "./temporal-server-binaries.ts";
import { assertFree } from "../../src/dev/ports.ts";
import type { Say } from "../../src/dev/progress.ts";
import { lastLines, type ServerProcess, startServer } from "../../src/dev/server-process.ts";
import { DYNAMIC_CONFIG } from "../../src/dev/temporal-server.ts";

const DATABASES = { temporal: "temporal", temporal_visibility: "visibility" };
const PLUGIN = "postgres12_pgx";

/** A real Temporal server, its four services in one process, with its databases in the given PostgreSQL. */
export async function startTemporalOnPostgres(options: {
  cacheDir: string;
  dataDir: string;
  databaseUrl: string;
  say: Say;
}): Promise<ServerProcess & { address: string }> {
  const { cacheDir, dataDir, databaseUrl, say } = options;
  const binaries = await temporalServerBinaries(cacheDir, say);
  await createDatabases(binaries, databaseUrl);

  const root = join(dataDir, "temporal");
  mkdirSync(root);
  const ports = await freeSmallPorts(8);
  const dynamic = Object.fromEntries(
    DYNAMIC_CONFIG.map((setting) => setting.split("=") as [string, string]).map(([key, value]) => [
      key,
      [{ value: JSON.parse(value) }],
    ]),
  );
  // JSON is YAML, too.
  writeFileSync(join(root, "dynamic.yaml"), JSON.stringify(dynamic));
  const config = temporalConfig({ databaseUrl, plugin: PLUGIN, ports, dynamicFile: join(root, "dynamic.yaml") });
  writeFileSync(join(root, "bench.yaml"), JSON.stringify(config));

  const logFile = join(dataDir, "temporal.log");
  const server = startServer({
    name: "The Temporal server",
    command: join(binaries, "server"),
    args: ["--root", root, "--config", ".", "--env", "bench", "--allow-no-auth", "start"],
    logFile,
    pidFile: join(dataDir, "temporal.pid"),
    stopSignal: "SIGTERM",
  });
  const address = `127.0.0.1:${ports[0]}`;
  try {
    await makeNamespace(address, "default", server.isRunning);
  } catch (error) {
    await server.stop();
    throw new Error(`Temporal did not start (${(error as Error).message}):\n${lastLines(logFile, 20)}`);
  }
  return { ...server, address };
}

async function createDatabases(binaries: string, databaseUrl: string): Promise<void> {
  const { hostname, port, username, password } = new URL(databaseUrl);
  const client = new pg.Client(databaseUrl);
  await client.connect();
  for (const [database, schema] of Object.entries(DATABASES)) {
    await client.query(`create database ${database}`);
    const at = ["--plugin", PLUGIN, "--endpoint", hostname, "--port", port, "--user", username, "--password", password];
    const sql = (...args: string[]) =>
      execFileSync(join(binaries, "sql"), [...at, "--database", database, ...args], { stdio: "pipe" });
    sql("setup-schema", "-v", "0.0");
    sql("update-schema", "-d", join(binaries, "schema", schema, "versioned"));
  }
  await client.end();
}

/** The server keeps its ports in columns of two signed bytes, and what the system gives away as free is above that. */
async function freeSmallPorts(count: number): Promise<number[]> {
  for (;;) {
    const first = 15_000 + Math.floor(Math.random() * 15_000);
    const ports = Array.from({ length: count }, (_, n) => first + n);
    const taken = await assertFree(ports.map((port) => ({ variable: "", port, host: "127.0.0.1" }))).catch(() => true);
    if (!taken) return ports;
  }
}
