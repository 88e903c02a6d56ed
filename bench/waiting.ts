import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pMap from "p-map";
import pg from "pg";
import { timed } from "./load.ts";
import { printMachine } from "./machine.ts";
import { type Product, startApart } from "./product.ts";
import { short } from "./rounds.ts";
import { cpuSeconds } from "./servers/cpu.ts";
import { type Servers, withServers } from "./servers/index.ts";
import { peakBytes } from "./servers/memory.ts";
import { printTable } from "./table.ts";

// Runs that wait for an approval, many of them: what they take up, what they cost while nothing happens, and how long it
// takes to approve them all. At the end every one has to be completed.

const CLIENTS = 32;
const PROCESSES = ["worker", "api", "temporal", "postgres"];
const MIB = 1024 * 1024;
const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["bench"] };
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "20000" },
    temporal: { type: "string", default: "postgres" },
    /** How long the runs are left alone. */
    idle: { type: "string", default: "60" },
  },
});
const RUNS = Number(values.runs);
const IDLE_SECS = Number(values.idle);
printMachine(values);
if (values.temporal !== "dev" && values.temporal !== "postgres") throw new Error("--temporal is dev or postgres");
await withServers(values.temporal, bench);

async function bench(servers: Servers): Promise<void> {
  const product = await startApart(servers);
  await product.startWorker();
  const workflow = await product.createWorkflow([GATE]);
  const empty = await databaseBytes(servers.databaseUrl);
  const ids: string[] = [];
  const startMs = await timed(() =>
    each(Array<string>(RUNS).fill(workflow), async (id) => ids.push(await product.trigger(id))),
  );
  await allAre("waiting", () => stepsWaiting(servers.databaseUrl));
  const full = await databaseBytes(servers.databaseUrl);

  const before = cpuSeconds(servers.pids);
  await sleep(IDLE_SECS * 1000);
  const after = cpuSeconds(servers.pids);
  const idle = (name: string) => `${short((((after[name] ?? 0) - (before[name] ?? 0)) / IDLE_SECS) * 100)} %`;

  const parked = cpuSeconds(servers.pids);
  const approveMs = await timed(async () => {
    await each(ids, (id) => product.approve(id));
    await allAre("completed", () => runsCompleted(servers.databaseUrl));
  });
  const approved = cpuSeconds(servers.pids);
  const cpu = (name: string) => `${short((((approved[name] ?? 0) - (parked[name] ?? 0)) / RUNS) * 1000)} ms`;
  const told = await completed(product, workflow);
  if (told !== RUNS) throw new Error(`the API tells of ${told} completed runs, not of ${RUNS}`);
  const aRun = (database: string) => short(((full[database] ?? 0) - (empty[database] ?? 0)) / RUNS / 1024);
  printTable(`${RUNS} runs that wait for an approval (${values.temporal})`, [
    { what: "started in, s", figure: short(startMs / 1000) },
    { what: "Postgres a run, KiB", figure: aRun("workflow_runs") },
    ...["temporal", "temporal_visibility"]
      .filter((database) => database in full)
      .map((database) => ({ what: `  of ${database}, KiB`, figure: aRun(database) })),
    ...PROCESSES.map((name) => ({
      what: `CPU of ${name} while nothing happens`,
      figure: idle(name),
    })),
    ...["worker", "api"].map((name) => ({
      what: `memory of ${name}, at its most, MiB`,
      figure: short(peakBytes(servers.pids[name]) / MIB),
    })),
    { what: "all approved, and completed, in, s", figure: short(approveMs / 1000) },
    ...PROCESSES.map((name) => ({ what: `  CPU of ${name} an approval`, figure: cpu(name) })),
  ]);
}

async function each<Item>(items: Item[], act: (item: Item) => Promise<unknown>): Promise<void> {
  await pMap(items, act, { concurrency: CLIENTS, stopOnError: true });
}

async function allAre(what: string, count: () => Promise<number>): Promise<void> {
  for (let last = -1, since = Date.now(); ; await sleep(500)) {
    const now = await count();
    if (now === RUNS) return;
    if (now !== last) since = Date.now();
    last = now;
    if (Date.now() - since > 60_000) throw new Error(`${now} of ${RUNS} runs are ${what}, and no more become so`);
  }
}

async function stepsWaiting(url: string): Promise<number> {
  const [row] = await ask<{ n: string }>(url, "select count(*) n from step_runs where status = 'waiting'");
  return Number(row?.n);
}

async function runsCompleted(url: string): Promise<number> {
  const [row] = await ask<{ n: string }>(url, "select count(*) n from workflow_runs where status = 'completed'");
  return Number(row?.n);
}

/** As the API tells it, run by run. */
async function completed({ client }: Product, workflowID: string): Promise<number> {
  let count = 0;
  const runs = client.listWorkflowRunsByWorkflowId.items({ path: { workflowID }, query: { limit: 100 } });
  for await (const { status } of runs) if (status === "completed") count++;
  return count;
}

async function databaseBytes(url: string): Promise<Record<string, number>> {
  await ask(url, "checkpoint");
  const rows = await ask<{ name: string; bytes: string }>(
    url,
    "select datname as name, pg_database_size(datname) as bytes from pg_database",
  );
  return Object.fromEntries(rows.map(({ name, bytes }) => [name, Number(bytes)]));
}

async function ask<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
