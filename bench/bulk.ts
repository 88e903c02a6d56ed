import { Client, Connection } from "@temporalio/client";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pMap from "p-map";
import { timed } from "./load.ts";
import { printMachine } from "./machine.ts";
import { startApart } from "./product.ts";
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
printMachine(values);
if (values.temporal !== "dev" && values.temporal !== "postgres") throw new Error("--temporal is dev or postgres");
await withServers(values.temporal, bench);

async function bench(servers: Servers): Promise<void> {
  const { client, startWorker, ...product } = await startApart(servers);
  let worker = await startWorker();

  const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["nobody"] };
  const id = await product.createWorkflow([gate]);
  const ids: string[] = [];
  const startMs = await timed(() =>
    pMap(Array<string>(RUNS).fill(id), async () => ids.push(await product.trigger(id)), { concurrency: CLIENTS }),
  );
  console.error(`${RUNS} runs started in ${Math.round(startMs / 1000)} s`);

  const began = Date.now();
  const created = await client.createBulkOperation({
    body: { operation: "cancel", filter: { workflow_id: id, status: "running" }, reason: "bench" },
  });
  const createMs = Date.now() - began;
  let kills = 0;
  let now = created;
  for (; now.finished_at === undefined; await sleep(200)) {
    now = await client.getBulkOperation({ path: { operationID: created.id } });
    const { total, pending } = now.progress;
    if (kills === KILLS || total - pending < ((kills + 1) * total) / (KILLS + 1)) continue;
    await worker.kill();
    kills++;
    console.error(`worker killed at ${total - pending} of ${total}, ${Math.round((Date.now() - began) / 1000)} s`);
    worker = await startWorker();
  }
  const tookMs = Date.now() - began;

  const query = { limit: 100 };
  const items = await all(client.listBulkOperationItems.items({ path: { operationID: created.id }, query }));
  const runs = await all(client.listWorkflowRunsByWorkflowId.items({ path: { workflowID: id }, query }));
  const canceled = await canceledOf(ids, servers.temporalAddress);

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

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
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
