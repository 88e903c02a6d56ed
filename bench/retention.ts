import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type pg from "pg";
import { casesOn } from "./lists/cases.ts";
import { fill } from "./lists/fill.ts";
import { load } from "./lists/load.ts";
import { startServers, token } from "./lists/servers.ts";
import { printMachine } from "./machine.ts";
import { median, quantile, spread } from "./rounds.ts";
import { serveIn } from "./servers/serve-in.ts";
import { printTable } from "./table.ts";

// What lists take while expired runs are deleted, and while they are not: after every few windows the deletion is halted for one.

const { values } = parseArgs({
  options: {
    /** To be deleted: those that ended more than 9 of 90 days ago. */
    runs: { type: "string", default: "1000000" },
    secs: { type: "string", default: "2" },
  },
});
const EXPIRED = Number(values.runs);
const HALTED_AFTER = 5;
const TABLES = ["workflow_runs", "step_runs", "run_tags", "run_labels", "event_triggers"];

const dataDir = mkdtempSync(join(tmpdir(), "workflow-runs-retention-"));
const stops: (() => Promise<unknown>)[] = [];
try {
  await bench();
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(dataDir, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const { db, databaseUrl, variables } = await startServers(dataDir, (stop) => stops.push(stop));
  await fill(databaseUrl, Math.ceil(EXPIRED / 0.87));
  const before = await counts(db);
  const sizeBefore = await sizes(db);

  const api = await serveIn("src/api.ts", variables);
  stops.push(api.stop);
  const lists = (await casesOn(db, api.origin, token)).filter(({ kind, paths }) => kind === "list" && paths.length > 0);
  const longest = Math.max(...lists.map(({ paths }) => paths.length));
  const paths = Array.from({ length: longest }, (_, i) =>
    lists.map((one) => one.paths[i % one.paths.length] as string),
  );
  const ask = async () =>
    (await load([api.origin], paths.flat(), { clients: 1, secs: Number(values.secs), token })).latencies;
  await ask();

  printMachine(values);
  const begin = performance.now();
  const sweep = spawn(process.execPath, ["--import", "tsx", "src/cli/retention.ts"], {
    env: { ...process.env, ...variables, RETENTION: "*=9d" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(sweep, "exit").then(() => performance.now());
  const during: number[][] = [];
  const without: number[][] = [];
  let halted = 0;
  for (;;) {
    const latencies = await ask();
    if (isOver(sweep)) break;
    during.push(latencies);
    if (during.length % HALTED_AFTER !== 0) continue;
    sweep.kill("SIGSTOP");
    const since = performance.now();
    without.push(await ask());
    sweep.kill("SIGCONT");
    halted += performance.now() - since;
  }
  const secs = ((await ended) - begin - halted) / 1000;

  const at = (share: number, of: number[][]) => of.map((latencies) => quantile(latencies, share));
  printTable(
    `any list, 1 client, ms; medians of ${during.length} and ${without.length} windows of ${values.secs} s (least..most)`,
    [
      { "": "while runs are deleted", p50: spread(at(0.5, during)), p99: spread(at(0.99, during)) },
      { "": "while they are not", p50: spread(at(0.5, without)), p99: spread(at(0.99, without)) },
    ],
  );
  console.log(`p99 to p99 without: ${(median(at(0.99, during)) / median(at(0.99, without))).toFixed(2)}`);
  const after = await counts(db);
  const deleted = before.ended - after.ended;
  console.log(`${deleted} runs deleted in ${secs.toFixed(0)} s; open runs: ${before.open} before, ${after.open} after`);

  const sizeAfter = await sizes(db);
  for (const table of TABLES) await db.query(`vacuum ${table}`);
  const sizeVacuumed = await sizes(db);
  await db.query("create extension if not exists pg_freespacemap");
  const rows = [];
  for (const table of TABLES) {
    const { rows: free } = await db.query("select sum(avail)::float8 as bytes from pg_freespace($1::regclass)", [
      table,
    ]);
    const mib = (of: Map<string, number>) => of.get(table)?.toFixed(0) ?? "";
    const reusable = (Number(free[0].bytes) / 2 ** 20).toFixed(0);
    rows.push({
      table,
      before: mib(sizeBefore),
      after: mib(sizeAfter),
      vacuumed: mib(sizeVacuumed),
      "of which free": reusable,
    });
  }
  printTable("MiB of the table without its indexes", rows);
}

function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function counts(db: pg.Pool): Promise<{ ended: number; open: number }> {
  const { rows } = await db.query(
    "select count(finished_at)::int as ended, (count(*) - count(finished_at))::int as open from workflow_runs",
  );
  return rows[0];
}

async function sizes(db: pg.Pool): Promise<Map<string, number>> {
  const { rows } = await db.query(
    "select name, pg_relation_size(name::regclass)::float8 / 1048576 as mib from unnest($1::text[]) name",
    [TABLES],
  );
  return new Map(rows.map(({ name, mib }) => [name, mib]));
}
