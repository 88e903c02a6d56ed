import { v7 as uuid } from "uuid";
import type { JobRun } from "../../src/contract/runs.ts";
import { routes } from "../../src/http/routes/index.ts";
import { findWaitingEventTrigger } from "../../src/store/event-triggers.ts";
import { createJob, gate, getSteps, ok, opens, runOf, wait, work } from "../api/definitions.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

export type Ids = Record<string, string>;
export type Case = { status: number; body?: (ids: Ids) => unknown; query?: string; prepare?: () => Promise<Ids> };

export const UNKNOWN = "01900000-0000-7000-8000-000000000000";

// Of a test file alone, which is a process alone.
export let stack: Stack;
/** Of the project demo, by the names of path parameters. No refused request may change any of it. */
export let demo: Ids;

/** Before any test of a file: the stack and what there is in it. */
export async function begin(): Promise<void> {
  stack = await startStack();
  const job = await createJob(stack);
  const steps = [gate("gate"), wait("wait", "key of demo"), work("work", job)];
  const run = await runOf(stack, steps);
  await Promise.all([opens(stack, run, "gate"), opens(stack, run, "wait")]);
  const jobRun = (await getSteps(stack, run)).find(({ step_ref }) => step_ref === "work")?.job_run_id ?? "";
  demo = {
    workflowRunID: run.id,
    workflowID: run.workflow_id,
    jobID: job.id,
    runID: jobRun,
    stepRef: "gate",
    eventKey: "key of demo",
    prefix: "key of d",
  };
  const { version_id = "" } = await ok<{ version_id: string }>(stack, "GET", `/v1/workflows/${run.workflow_id}`);
  Object.assign(demo, { projectID: "demo", versionID: version_id, fromVersionID: version_id, toVersionID: version_id });
  await ok(stack, "PUT", "/v1/workflow-policies/demo", {});
  demo.operationID = (await operating()).operationID ?? "";
  // Its id is that of the command, too.
  demo.commandID = "a command of demo";
  const options = { headers: { "idempotency-key": demo.commandID } };
  await ok(stack, "POST", `/v1/bulk-operations/${demo.operationID}/abort`, undefined, options);
  refused(
    await stack.request("POST", `/v1/workflow-runs/${run.id}/resume`, undefined, options),
    400,
    "invalid_state",
    "workflow run is not paused",
  );
  await stack.deps.temporal.workflow.getHandle(demo.operationID).result();
}

export const filled = (path: string, ids: Ids) =>
  path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(ids[name] ?? ""));

const atGate = async (): Promise<Ids> => {
  const run = await runOf(stack, [gate("gate")]);
  await opens(stack, run, "gate");
  return { ...demo, workflowRunID: run.id };
};
const after =
  (method: string, path: string, prepare = atGate) =>
  async () => {
    const ids = await prepare();
    await ok(stack, method, filled(path, ids));
    return ids;
  };
const canceled = after("DELETE", "/v1/workflow-runs/:workflowRunID");
const paused = after("POST", "/v1/workflow-runs/:workflowRunID/pause");

/** An operation that takes a while. */
const operating = async (): Promise<Ids> => {
  const ids = Array.from({ length: 50 }, () => uuid());
  const body = { project_id: "demo", operation: "pause", ids, max_per_second: 1 };
  const { id } = await ok<{ id: string }>(stack, "POST", "/v1/bulk-operations", body);
  return { ...demo, operationID: id };
};

/** A workflow that never ran. */
const unused = async (): Promise<Ids> => {
  const body = { project_id: "demo", name: "unused", slug: `unused-${++slugs}`, steps: [gate("gate")] };
  return { ...demo, workflowID: (await ok<{ id: string }>(stack, "POST", "/v1/workflows", body)).id };
};

const waitsFor = async (key: string) => {
  const run = await runOf(stack, [wait("wait", key)]);
  await until(() => findWaitingEventTrigger(stack.deps.db, "demo", key));
  return run.id;
};
let keys = 0;
const waiting = async (): Promise<Ids> => {
  const key = `key of its own, ${++keys}`;
  return { ...demo, workflowRunID: await waitsFor(key), eventKey: key, prefix: key };
};
/** Received long ago. */
const received = async (): Promise<Ids> => {
  const ids = await waiting();
  await ok(stack, "POST", filled("/v1/events/:eventKey/send", ids));
  const aged = "update event_triggers set requested_at = now() - interval '2 days' where run_id = $1";
  await stack.deps.db.query(aged, [ids.workflowRunID]);
  return ids;
};

const WORKFLOW = "/v1/workflows/:workflowID";
const VERSION = `${WORKFLOW}/versions/:versionID`;
const POLICY = "/v1/workflow-policies/:projectID";
const RUN = "/v1/workflow-runs/:workflowRunID";
const STEP = `${RUN}/steps/:stepRef`;
const OPERATION = "/v1/bulk-operations/:operationID";
const ofRun = ({ workflowRunID }: Ids) => ({ project_id: "demo", operation: "pause", ids: [workflowRunID] });
const bulk = ({ workflowRunID }: Ids) => ({ workflow_run_ids: [workflowRunID] });
const OF_DEMO = "?project_id=demo";
let slugs = 0;

const JOB = "/v1/jobs/:jobID";
const JOB_RUN = "/v1/runs/:runID";
const aJob = (slug: string) => ({ project_id: "demo", name: "new", slug, endpoint_url: stack.jobs.url("/new") });
const ownJob = async (): Promise<Ids> => ({ ...demo, jobID: (await createJob(stack)).id });
/** A run of a job that waits for its next attempt until it is canceled. */
const heldRun = async (): Promise<Ids> => {
  stack.jobs.on("/held", () => ({ status: 429, headers: { "retry-after": "3600" } }));
  const { id: jobID } = await createJob(stack, "/held", { max_attempts: 2 });
  const { id: runID } = await ok<{ id: string }>(stack, "POST", `/v1/jobs/${jobID}/trigger`);
  const { workflow_run_id } = await until(async () => {
    const run = await ok<JobRun>(stack, "GET", `/v1/runs/${runID}`);
    return run.status === "executing" && run.error !== undefined && run;
  });
  return { ...demo, jobID, runID, workflowRunID: workflow_run_id };
};

/** Of every route, a request that is answered `status` with the right token. */
export const CASES: Record<string, Case> = {
  "get /health": { status: 200 },
  "get /health/ready": { status: 200 },
  "post /v1/workflows": { status: 201, body: () => ({ project_id: "demo", name: "new", slug: `new-${++slugs}` }) },
  "get /v1/workflows": { status: 200, query: "?project_id=demo" },
  "get /v1/workflows/:workflowID": { status: 200 },
  "post /v1/workflows/:workflowID/trigger": { status: 202 },
  "get /v1/workflows/:workflowID/runs": { status: 200 },
  [`patch ${WORKFLOW}`]: { status: 200 },
  [`delete ${WORKFLOW}`]: { status: 204, prepare: unused },
  [`post ${WORKFLOW}/clone`]: { status: 201, body: () => ({ slug: `cloned-${++slugs}` }) },
  [`get ${WORKFLOW}/graph`]: { status: 200 },
  [`post ${WORKFLOW}/dry-run`]: { status: 200 },
  [`post ${WORKFLOW}/plan`]: { status: 200 },
  [`post ${WORKFLOW}/simulate`]: { status: 200 },
  [`get ${WORKFLOW}/versions`]: { status: 200 },
  [`get ${VERSION}`]: { status: 200 },
  [`get ${VERSION}/steps`]: { status: 200 },
  [`get ${VERSION}/impact`]: { status: 200 },
  [`get ${WORKFLOW}/versions/:fromVersionID/diff/:toVersionID`]: { status: 200 },
  [`get ${WORKFLOW}/active-versions`]: { status: 200 },
  [`get ${POLICY}`]: { status: 200 },
  [`put ${POLICY}`]: { status: 200, body: () => ({ max_depth: 100 }) },
  "get /v1/workflow-runs": { status: 200, query: "?project_id=demo" },
  "post /v1/workflow-runs/bulk-cancel": { status: 200, body: bulk, prepare: atGate },
  "post /v1/workflow-runs/bulk-replay": { status: 200, body: bulk, prepare: canceled },
  [`get ${RUN}`]: { status: 200 },
  [`delete ${RUN}`]: { status: 200, prepare: atGate },
  [`get ${RUN}/steps`]: { status: 200 },
  [`get ${STEP}/attempts`]: { status: 200 },
  [`get ${RUN}/commands/:commandID`]: { status: 200 },
  [`post ${RUN}/retry`]: { status: 201, prepare: canceled },
  [`post ${RUN}/pause`]: { status: 200, prepare: atGate },
  [`post ${RUN}/resume`]: { status: 200, prepare: paused },
  [`post ${STEP}/retry`]: { status: 200, prepare: canceled },
  [`post ${STEP}/replay-subtree`]: { status: 200, prepare: canceled },
  [`post ${STEP}/approve`]: { status: 200, prepare: atGate },
  [`post ${STEP}/reject`]: { status: 200, prepare: atGate },
  [`post ${STEP}/skip`]: { status: 200, prepare: atGate },
  [`post ${STEP}/force-complete`]: { status: 200, prepare: atGate },
  "post /v1/bulk-operations": { status: 202, body: ofRun, prepare: atGate },
  "get /v1/bulk-operations": { status: 200, query: "?project_id=demo" },
  [`get ${OPERATION}`]: { status: 200 },
  [`get ${OPERATION}/items`]: { status: 200 },
  [`get ${OPERATION}/commands/:commandID`]: { status: 200 },
  [`post ${OPERATION}/pause`]: { status: 200, prepare: operating },
  [`post ${OPERATION}/resume`]: { status: 200, prepare: after("POST", `${OPERATION}/pause`, () => operating()) },
  [`post ${OPERATION}/abort`]: { status: 200, prepare: operating },
  "post /v1/jobs": {
    status: 201,
    body: () => ({ project_id: "demo", name: "new", slug: `new-${++slugs}`, endpoint_url: stack.jobs.url("/new") }),
  },
  "get /v1/jobs": { status: 200, query: "?project_id=demo" },
  "get /v1/jobs/:jobID": { status: 200 },
  "post /v1/jobs/batch": { status: 200, body: ({ jobID }) => ({ jobs: [aJob(`${jobID}-${++slugs}`)] }) },
  [`patch ${JOB}`]: { status: 200, body: () => ({ description: `${++slugs}` }), prepare: ownJob },
  [`delete ${JOB}`]: { status: 204, prepare: ownJob },
  [`post ${JOB}/clone`]: { status: 201, body: () => ({ slug: `cloned-${++slugs}` }) },
  [`post ${JOB}/enable`]: { status: 200, prepare: after("POST", `${JOB}/disable`, () => ownJob()) },
  [`post ${JOB}/disable`]: { status: 200, prepare: ownJob },
  [`get ${JOB}/versions`]: { status: 200 },
  [`get ${JOB}/health`]: { status: 200 },
  [`post ${JOB}/trigger`]: { status: 201 },
  [`post ${JOB}/trigger/bulk`]: { status: 200, body: () => ({ items: [{}] }) },
  "get /v1/runs": { status: 200, query: "?project_id=demo" },
  [`get ${JOB_RUN}`]: { status: 200 },
  [`get ${JOB_RUN}/attempts`]: { status: 200 },
  [`get ${JOB_RUN}/events`]: { status: 200 },
  [`delete ${JOB_RUN}`]: { status: 200, prepare: heldRun },
  [`post ${JOB_RUN}/cancel`]: { status: 200, prepare: heldRun },
  [`post ${JOB_RUN}/replay`]: { status: 201, prepare: after("DELETE", JOB_RUN, () => heldRun()) },
  "get /v1/events": { status: 200, query: OF_DEMO },
  "get /v1/events/stats": { status: 200, query: OF_DEMO },
  "get /v1/events/:eventKey": { status: 200, query: OF_DEMO },
  "delete /v1/events/:eventKey": { status: 200, query: OF_DEMO, prepare: waiting },
  "post /v1/events/:eventKey/send": { status: 200, query: OF_DEMO, prepare: waiting },
  "post /v1/events/prefix/:prefix/send": { status: 200, query: OF_DEMO, prepare: waiting },
  "post /v1/events/purge": { status: 200, query: OF_DEMO, body: () => ({ older_than_days: 1 }), prepare: received },
};

export function ask(route: (typeof routes)[number], ids: Ids, headers: Record<string, string>, query = queryOf(route)) {
  const { body } = CASES[`${route.method} ${route.path}`] ?? { status: 0 };
  return stack.request(route.method.toUpperCase(), filled(route.path, ids) + query, body?.(ids), {
    token: "",
    headers,
  });
}
const queryOf = ({ method, path }: (typeof routes)[number]) => CASES[`${method} ${path}`]?.query ?? "";

export const named = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);
export const guarded = named.filter(([, { scope }]) => scope !== undefined);
export const open = named.filter(([, { scope }]) => scope === undefined);
