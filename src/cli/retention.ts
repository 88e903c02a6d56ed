import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RetentionDeps } from "../commands/retention/delete-trees.ts";
import { letGo, previewLetGo } from "../commands/retention/let-go.ts";
import { ConfigError, loadDevConfig } from "../config.ts";
import { postgresHome, postgresUrl } from "../dev/postgres-server.ts";
import { reach } from "../runtime/reach.ts";
import { postgresOf, temporalOf } from "../runtime/servers.ts";
import { createLog } from "../log.ts";
import { parseRetention, type Retention } from "../rules/retention.ts";
import { assertWritable, createPool } from "../store/postgres/pool.ts";
import { connectTemporal } from "../temporal/connection.ts";

// `npm run retention`: deletes what RETENTION does not keep, as the worker does once a day; with --dry-run it says how many that would be.

const USAGE = "usage: npm run -s retention -- [--dry-run]";

async function preview(deps: RetentionDeps, retention: Retention): Promise<void> {
  const { groups, keys } = await previewLetGo(deps, retention);
  for (const { project_id, status, runs, below } of groups)
    console.log(`${project_id}  ${status}  ${runs}${below > 0 ? `, with ${below} sub-workflow runs` : ""}`);
  const all = groups.reduce((sum, { runs, below }) => sum + runs + below, 0);
  console.log(`${all} runs and ${keys} idempotency keys would be deleted.`);
}

async function sweep(deps: RetentionDeps, retention: Retention): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  const { runs, keys } = await letGo(deps, retention, { signal: stopping.signal });
  const left = stopping.signal.aborted ? " It was stopped before the end." : "";
  console.log(`${runs} runs and ${keys} idempotency keys are deleted.${left}`);
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { "dry-run": { type: "boolean" }, help: { type: "boolean", short: "h" } } });
  if (values.help) return console.log(USAGE);
  const config = loadDevConfig();
  const { dataDir, postgresPort: port, temporalPort, retention } = config;
  if (retention === undefined) throw new ConfigError("RETENTION is not set: everything is kept.");
  if (config.databaseUrl === undefined && !existsSync(postgresHome(dataDir)))
    throw new ConfigError(`DATA_DIR (${dataDir}) has no PostgreSQL of npm start: set it, or DATABASE_URL.`);
  const databaseUrl = config.databaseUrl ?? postgresUrl({ dataDir, port });
  const server = { ...config, temporalAddress: config.temporalAddress ?? `127.0.0.1:${temporalPort}` };
  const log = createLog(config, "retention");
  const db = createPool(databaseUrl);
  try {
    const isThere = async () => {
      await assertWritable(db);
      await db.query("select from workflow_runs limit 0");
    };
    await reach(postgresOf({ databaseUrl }), NOW, isThere, 0);
    const temporal = await reach(temporalOf(server), NOW, () => connectTemporal(server, log), 0);
    await (values["dry-run"] ? preview : sweep)({ db, temporal }, parseRetention(retention));
    await temporal.connection.close();
  } finally {
    await db.end();
  }
}

/** What is not there is not waited for. */
const NOW = { onStop: () => {}, stopping: new AbortController().signal };

try {
  await run();
} catch (error) {
  const { message, stack, code } = error as Error & { code?: unknown };
  if (error instanceof ConfigError) console.error(message);
  else if (String(code).startsWith("ERR_PARSE_ARGS")) console.error(`${message}\n${USAGE}`);
  else console.error(stack);
  process.exitCode = 2;
}
