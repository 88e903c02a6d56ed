import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, Connection } from "@temporalio/client";
import pMap from "p-map";
import { Pool } from "undici";
import type { BulkItem, BulkOperation } from "../src/contract/bulk-operations.ts";
import type { WorkflowRun } from "../src/contract/runs.ts";
import type { Workflow } from "../src/contract/workflows.ts";
import { mintToken } from "../src/dev/mint.ts";
import { serveIn } from "./lists/processes.ts";
import { timed } from "./load.ts";
import { printMachine } from "./machine.ts";
import { type Servers, withServers } from "./servers/index.ts";
import { printTable } from "./table.ts";

// A bulk cancel of runs that wait for an approval. On the way its worker is killed, as often as asked. At the end every
// item has to be applied, every run canceled, and every history asked has to hold one request to cancel.

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "20000" },
    kills: { type: "string", default: "3" },
    temporal: { type: "string", default: "dev" },
    /** Of how many runs the history is fetched. */
    histories: { type: "string", default: "500" },
  },
});
const RUNS = Number(values.runs);
const KILLS = Number(values.kills);
const CLIENTS = 32;
const AUTH = { issuer: "bench", audience: "bench", secret: randomBytes(32).toString("hex") };
const token = mintToken(AUTH, { sub: "bench", projects: ["bench"], scopes: ["*"] });
printMachine(values);
if (values.temporal !== "dev" && values.temporal !== "postgres") throw new Error("--temporal is dev or postgres");
await withServers(values.temporal, bench);

async function bench({ databaseUrl, temporalAddress }: Servers): Promise<void> {
  const env = {
    ...{ DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress, JWT_SECRET: AUTH.secret },
    ...{ JWT_ISSUER: AUTH.issuer, JWT_AUDIENCE: AUTH.audience },
  };
  const api = await serveIn("src/api.ts", env);
  const startWorker = () => serveIn("src/worker.ts", env, "polling");
  let worker = await startWorker();
  const pool = new Pool(api.origin, { connections: CLIENTS, headersTimeout: 0, bodyTimeout: 0 });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const rest = async <Answer>(method: "GET" | "POST", path: string, body?: object): Promise<Answer> => {
    const answer = await pool.request({ method, path, headers, body: body && JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode > 299) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as Answer;
  };

  const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["nobody"] };
  const { id } = await rest<Workflow>("POST", "/v1/workflows", { name: "gate", slug: "gate", steps: [gate] });
  const ids: string[] = [];
  const startMs = await timed(() =>
    pMap(
      Array(RUNS).fill(`/v1/workflows/${id}/trigger`),
      async (path: string) => ids.push((await rest<WorkflowRun>("POST", path, {})).id),
      { concurrency: CLIENTS },
    ),
  );
  console.error(`${RUNS} runs started in ${Math.round(startMs / 1000)} s`);

  const began = Date.now();
  const created = await rest<BulkOperation>("POST", "/v1/bulk-operations", {
    operation: "cancel",
    filter: { workflow_id: id, status: "running" },
    reason: "bench",
  });
  const createMs = Date.now() - began;
  let kills = 0;
  let now = created;
  for (; now.finished_at === undefined; await sleep(200)) {
    now = await rest<BulkOperation>("GET", `/v1/bulk-operations/${created.id}`);
    const { total, pending } = now.progress;
    if (kills === KILLS || total - pending < ((kills + 1) * total) / (KILLS + 1)) continue;
    await worker.kill();
    kills++;
    console.error(`worker killed at ${total - pending} of ${total}, ${Math.round((Date.now() - began) / 1000)} s`);
    worker = await startWorker();
  }
  const tookMs = Date.now() - began;

  const all = async <Item>(path: string): Promise<Item[]> => {
    const found: Item[] = [];
    for (let next: string | undefined = ""; next !== undefined; ) {
      const query: string = `limit=100&envelope=true${next && `&cursor=${next}`}`;
      const page: { data: Item[]; next_cursor?: string } = await rest("GET", `${path}?${query}`);
      found.push(...page.data);
      next = page.next_cursor;
    }
    return found;
  };
  const items = await all<BulkItem>(`/v1/bulk-operations/${created.id}/items`);
  const runs = await all<WorkflowRun>(`/v1/workflows/${id}/runs`);
  const canceled = await canceledOf(ids, temporalAddress);
  await worker.stop();
  await pool.close();
  await api.stop();

  printTable(`Bulk cancel of ${RUNS} waiting runs, its worker killed ${kills} times`, [
    {
      "accepted after, ms": createMs,
      "took, s": (tookMs / 1000).toFixed(1),
      "runs a second": (RUNS / (tookMs / 1000)).toFixed(0),
      "items applied": items.filter(({ status }) => status === "applied").length,
      "runs canceled": runs.filter(({ status }) => status === "canceled").length,
      "histories with one cancellation": `${canceled.once} of ${canceled.asked}`,
    },
  ]);
  const settled = new Set(items.map((item) => item.workflow_run_id));
  const wrong = [
    ids.every((run) => settled.has(run)) && items.length === RUNS ? "" : "the items are not the runs",
    items.every(({ status }) => status === "applied") ? "" : "not every item was applied",
    runs.every(({ status }) => status === "canceled") && runs.length === RUNS ? "" : "not every run is canceled",
    canceled.once === canceled.asked ? "" : "a run was canceled more or less than once",
    now.progress.applied === RUNS ? "" : "the progress does not add up",
  ].filter(Boolean);
  if (wrong.length > 0) throw new Error(wrong.join("; "));
}

/** Of runs spread over the whole selection: how many ended canceled, by one request. */
async function canceledOf(ids: string[], address: string): Promise<{ asked: number; once: number }> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const every = Math.max(1, Math.ceil(ids.length / Number(values.histories)));
  const some = ids.filter((_, i) => i % every === 0);
  const right = await pMap(
    some,
    async (id) => {
      const { events = [] } = await client.workflow.getHandle(id).fetchHistory();
      const requests = events?.filter((event) => event.workflowExecutionCancelRequestedEventAttributes).length;
      return requests === 1 && Boolean(events?.at(-1)?.workflowExecutionCanceledEventAttributes);
    },
    { concurrency: 16 },
  );
  await connection.close();
  return { asked: some.length, once: right.filter(Boolean).length };
}
