import { v7 as uuid } from "uuid";
import { withHeaders } from "../../src/contract/answers/headers.ts";
import type { JobRun } from "../../src/contract/jobs/runs.ts";
import type { Route } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes/index.ts";
import { findWaitingEventTrigger } from "../../src/store/event-triggers.ts";
import { createJob, gate, getSteps, ok, opens, runOf, wait, work } from "../api/definitions.ts";
import { refused } from "../api/shapes.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

export type Ids = Record<string, string>;
export type Case = { body?: (ids: Ids) => unknown; prepare?: () => Promise<Ids> };

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
  const told = { project_id: "demo", events: ["approval.requested"], url: stack.jobs.url("/gone") };
  stack.jobs.on("/gone", () => ({ status: 410 }));
  demo.webhookID = (await ok<{ id: string }>(stack, "POST", "/v1/webhooks", told)).id;
  await atGate();
  demo.deliveryID = (await until(dead)).id;
  // It stays the only one.
  await ok(stack, "PATCH", filled("/v1/webhooks/:webhookID", demo), { enabled: false });
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
/** Of a gate with a deadline. */
const timed = async (): Promise<Ids> => {
  const run = await runOf(stack, [{ ...gate("gate"), approval_timeout_secs: 3600 }]);
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
/** Of a gate that needs another vote. */
const voted = after("POST", "/v1/workflow-runs/:workflowRunID/steps/:stepRef/approve", async () => {
  const quorum = { approval_approvers: ["ada", "bob"], approvals_required: 2 };
  const run = await runOf(stack, [{ ...gate("gate"), ...quorum }]);
  await opens(stack, run, "gate");
  return { ...demo, workflowRunID: run.id };
});
const choosing = async (): Promise<Ids> => {
  const run = await runOf(stack, [{ ...gate("gate"), approval_options: ["ship", "hold"] }]);
  await opens(stack, run, "gate");
  return { ...demo, workflowRunID: run.id };
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

/** A delivery that was given up. */
const dead = async () => {
  const path = filled("/v1/webhooks/:webhookID/deliveries?status=dead", demo);
  return (await ok<{ id: string }[]>(stack, "GET", path))[0] ?? false;
};
const webhookBody = () => ({ project_id: "demo", events: ["*"], url: stack.jobs.url("/told"), enabled: false });
/** One of its own. */
const ownWebhook = async (): Promise<Ids> => ({
  ...demo,
  webhookID: (await ok<{ id: string }>(stack, "POST", "/v1/webhooks", webhookBody())).id,
});

const WEBHOOK = "/v1/webhooks/:webhookID";
const WORKFLOW = "/v1/workflows/:workflowID";
const POLICY = "/v1/workflow-policies/:projectID";
const RUN = "/v1/workflow-runs/:workflowRunID";
const STEP = `${RUN}/steps/:stepRef`;
const OPERATION = "/v1/bulk-operations/:operationID";
const ofRun = ({ workflowRunID }: Ids) => ({ project_id: "demo", operation: "pause", ids: [workflowRunID] });
const bulk = ({ workflowRunID }: Ids) => ({ workflow_run_ids: [workflowRunID] });
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

/** What a request needs to be answered with the right token, besides what its route's declaration tells. */
export const CASES: Record<string, Case> = {
  "post /v1/workflows": { body: () => ({ project_id: "demo", name: "new", slug: `new-${++slugs}` }) },
  [`delete ${WORKFLOW}`]: { prepare: unused },
  [`post ${WORKFLOW}/clone`]: { body: () => ({ slug: `cloned-${++slugs}` }) },
  [`put ${POLICY}`]: { body: () => ({ max_depth: 100 }) },
  "post /v1/workflow-runs/bulk-cancel": { body: bulk, prepare: atGate },
  "post /v1/workflow-runs/bulk-replay": { body: bulk, prepare: canceled },
  [`delete ${RUN}`]: { prepare: atGate },
  [`post ${RUN}/retry`]: { prepare: canceled },
  [`post ${RUN}/simulate`]: { prepare: canceled },
  [`post ${RUN}/pause`]: { prepare: atGate },
  [`post ${RUN}/resume`]: { prepare: paused },
  [`post ${STEP}/retry`]: { prepare: canceled },
  [`post ${STEP}/replay-subtree`]: { prepare: canceled },
  [`post ${STEP}/approve`]: { prepare: atGate },
  [`post ${STEP}/choose`]: { body: () => ({ option: "ship" }), prepare: choosing },
  [`post ${STEP}/reject`]: { prepare: atGate },
  [`post ${STEP}/withdraw`]: { prepare: voted },
  [`post ${STEP}/comment`]: { body: () => ({ comment: "hm" }), prepare: atGate },
  [`post ${STEP}/reassign`]: { body: () => ({ approvers: ["bob"] }), prepare: atGate },
  [`post ${STEP}/extend`]: { body: () => ({ until: "2090-01-01T00:00:00Z" }), prepare: timed },
  "post /v1/approvals/decide": {
    body: ({ workflowRunID: workflow_run_id, stepRef: step_ref }) => ({
      decision: "approve",
      approvals: [{ workflow_run_id, step_ref }],
    }),
    prepare: atGate,
  },
  [`post ${STEP}/skip`]: { prepare: atGate },
  [`post ${STEP}/force-complete`]: { prepare: atGate },
  [`post ${STEP}/links`]: { prepare: atGate },
  // What is under way is not sent again.
  [`post ${WEBHOOK}/deliveries/:deliveryID/redeliver`]: { prepare: async () => (await until(dead)) && demo },
  "post /v1/webhooks": { body: webhookBody },
  [`patch ${WEBHOOK}`]: { body: () => ({ enabled: false }), prepare: ownWebhook },
  [`delete ${WEBHOOK}`]: { prepare: ownWebhook },
  "post /v1/bulk-operations": { body: ofRun, prepare: atGate },
  [`post ${OPERATION}/pause`]: { prepare: operating },
  [`post ${OPERATION}/resume`]: { prepare: after("POST", `${OPERATION}/pause`, () => operating()) },
  [`post ${OPERATION}/abort`]: { prepare: operating },
  "post /v1/jobs": { body: () => aJob(`new-${++slugs}`) },
  "post /v1/jobs/batch": { body: ({ jobID }) => ({ jobs: [aJob(`${jobID}-${++slugs}`)] }) },
  [`patch ${JOB}`]: { body: () => ({ description: `${++slugs}` }), prepare: ownJob },
  [`delete ${JOB}`]: { prepare: ownJob },
  [`post ${JOB}/clone`]: { body: () => ({ slug: `cloned-${++slugs}` }) },
  [`post ${JOB}/enable`]: { prepare: after("POST", `${JOB}/disable`, () => ownJob()) },
  [`post ${JOB}/disable`]: { prepare: ownJob },
  [`post ${JOB}/trigger/bulk`]: { body: () => ({ items: [{}] }) },
  [`delete ${JOB_RUN}`]: { prepare: heldRun },
  [`post ${JOB_RUN}/cancel`]: { prepare: heldRun },
  [`post ${JOB_RUN}/replay`]: { prepare: after("DELETE", JOB_RUN, () => heldRun()) },
  "delete /v1/events/:eventKey": { prepare: waiting },
  "get /v1/events/:eventKey/stream": { prepare: received },
  "post /v1/events/:eventKey/send": { prepare: waiting },
  "post /v1/events/prefix/:prefix/send": { prepare: waiting },
  "post /v1/events/purge": { body: () => ({ older_than_days: 1 }), prepare: received },
};

export const caseOf = ({ method, path }: Route): Case => CASES[`${method} ${path}`] ?? {};
export const successOf = ({ returns }: Route) => Number(Object.keys(returns)[0]);
const takesProject = ({ query }: Route) => query?.safeParse({ project_id: "demo" }).success === true;
export const queryOf = (route: Route) => (takesProject(route) ? "?project_id=demo" : "?");

export const ask = (route: Route, ids: Ids, headers: Record<string, string>, query = queryOf(route)) =>
  stack.request(route.method.toUpperCase(), filled(route.path, ids) + query, caseOf(route).body?.(ids), {
    token: "",
    headers,
  });

export const named = routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const);
export const guarded = named.filter(([, { scope }]) => scope !== undefined);
export const open = named.filter(([, { scope }]) => scope === undefined);
/** What a project has of everything. */
export const LISTS = routes.filter(isList).map(({ path }) => path);

function isList({ path, returns }: Route): boolean {
  const shown = returns[200] && withHeaders.get(returns[200]);
  return !path.includes(":") && shown?.headers.includes("X-Has-More") === true;
}
