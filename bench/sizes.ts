import { Client, Connection } from "@temporalio/client";
import { parseArgs } from "node:util";
import pMap from "p-map";
import pg from "pg";
import { SHAPES } from "./engine/shapes.ts";
import { timed } from "./load.ts";
import { printMachine } from "./machine.ts";
import { type Product, startApart } from "./product.ts";
import { short } from "./rounds.ts";
import { assertCalledOnce } from "./servers/counts.ts";
import { type Servers, withServers } from "./servers/index.ts";
import { ApiError, type Steps } from "../client/index.ts";
import { peakBytes } from "./servers/memory.ts";
import { historyOf } from "./sizes/history.ts";
import { printTable } from "./table.ts";

// Runs as large as they may be. Each has to complete, with every endpoint called once a step and every command kept;
// what it took is told: time, events and bytes of its histories, continue-as-news, memory of its worker at its most.

const MIB = 1024 * 1024;
const CLIENTS = 32;
const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["bench"] };

/** Runs of the case, and returns the run's id once it has completed. */
type Case = (product: Product, databaseUrl: string) => Promise<string>;

const CASES: Record<string, Case> = {
  "random DAG of 10,000 jobs": ofJobs("random", 10_000),
  "fan-out of 10,000 jobs": ofJobs("fan", 10_000),
  "chain of 5,000 jobs": ofJobs("chain", 5_000),
  "10,000 sleeps at once": async (product) => {
    const sleeps = Array.from({ length: 9_999 }, (_, i) => ({
      ...{ step_ref: `sleep-${i}`, step_type: "sleep", sleep_duration_secs: 20 },
    }));
    return completed(product, [...sleeps, { ...GATE, approval_timeout_secs: 3600 }], approve);
  },
  "10,000 waits for an event": async (product) => {
    const waits = Array.from({ length: 9_999 }, (_, i) => ({
      ...{ step_ref: `wait-${i}`, step_type: "wait_for_event", event_key: `{{key}}-${i}` },
    }));
    return completed(product, [...waits, GATE], async (runId) => {
      await approve(runId, product);
      await stepsAre(product, runId, "waiting", 9_999);
      const send = (i: number) =>
        product.client.sendEvent({ path: { eventKey: `sizes-${i}` }, body: { payload: { i } } });
      await pMap(waits.keys(), send, { concurrency: CLIENTS });
    });
  },
  "500 outputs of 1 MiB": async (product) => {
    const job = await product.createJob(`bytes=${MIB}`);
    const steps = Array.from({ length: 500 }, (_, i) => ({ step_ref: `step-${i}`, job_id: job }));
    return completed(product, [...steps, { ...GATE, depends_on: steps.map(({ step_ref }) => step_ref) }], approve);
  },
  "10,000 commands": commands(10_000),
};
/** Temporal suggests it early here. */
const CONTINUED: Record<string, Case> = { "fifty continue-as-news": commands(6_000) };
const SUGGESTED_AT = 100;

/** Run so far. */
let jobSteps = 0;

const { values } = parseArgs({ options: { case: { type: "string" }, temporal: { type: "string", default: "dev" } } });
if (values.temporal !== "dev" && values.temporal !== "postgres") throw new Error("--temporal is dev or postgres");
printMachine(values);
const early = values.case === "continue-as-new";
const settings = early ? [`limit.historyCount.suggestContinueAsNew=${SUGGESTED_AT}`] : [];
await withServers(values.temporal, bench, [], settings);

async function bench(servers: Servers): Promise<void> {
  const product = await startApart({ ...servers, variables: { ...servers.variables, MAX_STEPS: "10000" } });
  const client = new Client({ connection: await Connection.connect({ address: servers.temporalAddress }) });
  const chosen = Object.entries(early ? CONTINUED : CASES).filter(
    ([name]) => early || values.case === undefined || name.includes(values.case),
  );
  const rows = [];
  for (const [name, run] of chosen) {
    const worker = await product.startWorker();
    let runId = "";
    const ms = await timed(async () => {
      runId = await run(product, servers.databaseUrl);
    });
    const { executions, events, bytes } = await historyOf(client, runId);
    if (early && executions <= 50) throw new Error(`${executions} executions are not fifty continue-as-news`);
    rows.push({
      run: name,
      seconds: short(ms / 1000),
      "history events": events,
      "history, MiB": short(bytes / MIB),
      "continue-as-news": executions - 1,
      "worker at its most, MiB": short(peakBytes(worker.pid) / MIB),
    });
    console.error(rows.at(-1));
    await worker.stop();
  }
  if (jobSteps > 0) await assertCalledOnce(servers.endpointUrl, { product: jobSteps });
  printTable(`Sizes (${values.temporal})`, rows);
}

function ofJobs(shape: keyof typeof SHAPES, size: number): Case {
  return async (product) => {
    const job = await product.createJob("delay=0");
    const steps =
      SHAPES[shape]?.(size).map(({ step_ref, depends_on }) => ({ step_ref, depends_on, job_id: job })) ?? [];
    return completed(product, steps);
  };
}

/** A run that is paused and resumed until it has had so many commands, each of which has to be kept. */
function commands(count: number): Case {
  return (product, databaseUrl) =>
    completed(product, [GATE], async (runId) => {
      // Told in any order, many are refused; each has an outcome.
      const { pauseWorkflowRun, resumeWorkflowRun } = product.client;
      const tell = (verb: typeof pauseWorkflowRun) => verb({ path: { workflowRunID: runId } }).catch(refused);
      const verbs = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? pauseWorkflowRun : resumeWorkflowRun));
      await pMap(verbs, tell, { concurrency: CLIENTS });
      await tell(resumeWorkflowRun);
      await approve(runId, product);
      await product.completed(runId);
      const db = new pg.Client(databaseUrl);
      await db.connect();
      const { rows } = await db.query("select count(*)::int kept from run_commands where run_id = $1", [runId]);
      await db.end();
      if (rows[0].kept !== count + 2) throw new Error(`${rows[0].kept} of ${count + 2} commands are kept`);
    });
}

function refused(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 400)) throw error;
}

async function completed(
  product: Product,
  steps: Steps,
  steer: (runId: string, product: Product) => Promise<unknown> = async () => {},
): Promise<string> {
  jobSteps += steps.filter((step) => "job_id" in step).length;
  const workflow = await product.createWorkflow(steps);
  const runId = await product.trigger(workflow, { key: "sizes" });
  await steer(runId, product);
  await product.completed(runId);
  const told = await product.steps(runId);
  const done = told.filter(({ status }) => status === "completed").length;
  if (done !== steps.length) throw new Error(`${done} of ${steps.length} steps are completed`);
  return runId;
}

/** As soon as the gate is open. */
async function approve(runId: string, product: Product): Promise<void> {
  await stepsAre(product, runId, "waiting", 1, "gate");
  await product.approve(runId);
}

async function stepsAre(product: Product, runId: string, status: string, count: number, ref?: string): Promise<void> {
  for (;;) {
    const steps = await product.steps(runId);
    const open = steps.filter(
      (step) => step.status === status && step.started_at && (ref ?? step.step_ref) === step.step_ref,
    );
    if (open.length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
