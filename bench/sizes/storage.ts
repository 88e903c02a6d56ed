import pMap from "p-map";
import pg from "pg";
import { printMachine } from "../machine.ts";
import { readOptions } from "../options.ts";
import { startApart } from "../product.ts";
import { short } from "../rounds.ts";
import { withServers } from "../servers/index.ts";
import { definitionOf, shapes } from "../shapes.ts";
import { printTable } from "../table.ts";
import type { Steps } from "../../client/index.ts";

/** What runs leave behind in each database, once they have ended: of each kind so many. */
const RUNS = 1_000;
const CLIENTS = 16;
const DATABASES = ["workflow_runs", "temporal", "temporal_visibility"];
const KIB = 1024;
/** Without what changed rows have left, which autovacuum frees for others. */
const PACKED = "vacuum full";
const options = readOptions({ rounds: 1, seconds: 0 });
printMachine({ ...options, temporal: "postgres" });

await withServers("postgres", async (servers) => {
  const product = await startApart(servers);
  await product.startWorker();
  const bytes = async (sql = "") => {
    const sizes = new Map<string, number>();
    for (const name of DATABASES) {
      const database = new pg.Client(Object.assign(new URL(servers.databaseUrl), { pathname: name }).href);
      await database.connect();
      if (sql) await database.query(sql);
      const { rows } = await database.query<{ bytes: string }>("select pg_database_size(current_database()) as bytes");
      sizes.set(name, Number(rows[0]?.bytes));
      await database.end();
    }
    return sizes;
  };
  const job = await product.createJob("delay=0");
  const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["bench"] };
  const kinds: Record<string, Steps> = {
    "of one job": definitionOf(shapes.one, job),
    "chain of 5 jobs": definitionOf(shapes.chain, job),
    "of one gate, approved": [gate],
  };
  const rows = [];
  for (const [kind, steps] of Object.entries(kinds)) {
    const workflow = await product.createWorkflow(steps);
    const run = async () => {
      const id = await product.trigger(workflow);
      if (steps[0] === gate) await approved(product, id);
      await product.completed(id);
    };
    const before = await bytes(PACKED);
    await pMap(Array(RUNS), run, { concurrency: CLIENTS });
    const written = await bytes();
    const packed = await bytes(PACKED);
    const aRun = (after: Map<string, number>, name: string) =>
      short(((after.get(name) ?? 0) - (before.get(name) ?? 0)) / RUNS / KIB);
    const figures = DATABASES.map((name) => [name, `${aRun(packed, name)} of ${aRun(written, name)}`]);
    rows.push({ run: kind, ...Object.fromEntries(figures) });
    console.error(rows.at(-1));
  }
  printTable(`KiB that a run leaves in each database, and what it had written there (${RUNS} of each)`, rows);
});

/** As soon as it is open. */
async function approved(product: Awaited<ReturnType<typeof startApart>>, runId: string): Promise<void> {
  for (;;) {
    const [step] = await product.steps(runId);
    if (step?.status === "waiting" && step.started_at) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await product.approve(runId);
}
