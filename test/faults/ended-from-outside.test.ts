import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { v7 as uuid } from "uuid";
import type { StepRun, WorkflowRun } from "../../src/contract/runs.ts";
import { endsOn } from "./ended.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { event, GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { cancel, endOf } = endsOn(
  () => stack,
  () => on,
);

/** Long ago enough that nobody takes it for a run that is just being started. */
const age = ({ id }: { id: string }) =>
  stack.deps.db.query(
    "update workflow_runs set created_at = created_at - interval '1 minute', revision = revision - 60000000 where id = $1",
    [id],
  );

/** As after a loss of Temporal's data. */
async function forgotten(run: { id: string }): Promise<void> {
  const { workflowService } = stack.deps.temporal;
  const workflowExecution = { workflowId: run.id };
  const namespace = stack.config.temporalNamespace;
  await workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  const describe = () => workflowService.describeWorkflowExecution({ namespace, execution: workflowExecution });
  await until(() =>
    describe().then(
      () => false,
      () => true,
    ),
  );
}

describe("a run that Temporal does not know any more", () => {
  test("is shown as it was, refuses commands, and DELETE frees what it holds", async () => {
    const release = stack.jobs.hold("/lost");
    const workflow = await on.workflow([GATE, event("lost-key"), { step_ref: "job", calls: "/lost" }], {
      max_concurrent_runs: 1,
    });
    const run = await on.trigger(workflow);
    await Promise.all([on.opens(run, "gate"), on.opens(run, "event"), on.opens(run, "job", "running")]);
    await forgotten(run);
    await age(run);

    expect(await on.run(run)).toMatchObject({ status: "running" });
    // Whoever waits for its end is not answered at once, to ask again without a pause.
    const began = performance.now();
    const waited = await stack.request("GET", `/v1/workflow-runs/${run.id}?wait_secs=1`);
    expect(waited).toMatchObject({ status: 200, body: { status: "running" } });
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
    for (const [verb, ref] of [["pause"], ["resume"], ["approve", "gate"], ["retry", "job"]] as const) {
      const { status, body } = await on.steer(run, verb, ref);
      expect({ status, body }).toMatchObject({
        status: 409,
        body: { code: "conflict", error: expect.stringMatching(/^workflow run is unknown to Temporal/) },
      });
    }
    expect((await on.send("lost-key")).status).toBe(409);
    const path = `/v1/workflow-runs/${run.id}`;
    expect(await stack.request("POST", `${path}/pause?dryRun=true`)).toMatchObject({ status: 409 });
    expect(await stack.request("DELETE", `${path}?dryRun=true`)).toMatchObject({
      status: 200,
      body: { dry_run: true, status_after: "canceled" },
    });
    const error = "workflow run is unknown to Temporal";
    expect(await cancel(run)).toMatchObject({ status: 200, body: { status: "canceled", error } });
    expect(await endOf(run)).toEqual({
      run: "canceled",
      listed: "canceled",
      steps: { gate: "canceled", event: "canceled", job: "canceled" },
    });
    for (const step of await on.steps(run)) expect(step).toMatchObject({ error });
    expect(await on.steer(run, "approve", "gate")).toMatchObject({ status: 400 });
    release();

    const next = await on.trigger(workflow);
    await on.opens(next, "event");
    await on.cancel(next);
  });

  test("and is just being started is not lost", async () => {
    const run = await on.start([GATE]);
    await on.opens(run, "gate");
    await forgotten(run);
    expect(await cancel(run)).toMatchObject({ status: 503, headers: expect.anything() });
    expect(await on.run(run)).toMatchObject({ status: "running" });
  });
});

describe("a run that has ended for Temporal alone", () => {
  const reads = async (run: { id: string }, end: object) => {
    await age(run);
    expect(await on.run(run)).toMatchObject(end);
    expect(await endOf(run)).toMatchObject({ listed: (end as WorkflowRun).status, steps: { gate: "canceled" } });
  };

  test("is shown so when it is read: terminated by hand, and its parent and sub-workflows hear of it", async () => {
    const leaf = await on.workflow([GATE]);
    const calling = (id: string) => ({ step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: id });
    const middle = await on.workflow([GATE, event("by-hand"), calling(leaf.id)]);
    const top = await on.start([calling(middle.id)]);
    const run = await until(async () => (await on.runsOf(middle))[0]);
    const inner = await until(async () => (await on.runsOf(leaf))[0]);
    await Promise.all([on.opens(run, "gate"), on.opens(run, "event"), on.opens(inner, "gate")]);
    await stack.deps.temporal.workflow.getHandle(run.id).terminate("by ada");

    await reads(run, { status: "canceled", error: "terminated: by ada" });
    expect(await on.ends(top)).toMatchObject({ status: "failed", error: "terminated: by ada" });
    expect(await on.ends(inner)).toMatchObject({ status: "canceled", error: "parent workflow canceled" });
    const again = await on.start([event("by-hand")]);
    await on.opens(again, "event");
    await on.cancel(again);
  });

  test("is shown so by who waits for its end, however lately it began", async () => {
    const run = await on.start([GATE]);
    await on.opens(run, "gate");
    const waited = stack.request("GET", `/v1/workflow-runs/${run.id}?wait_secs=25`);
    await stack.deps.temporal.workflow.getHandle(run.id).terminate("by ada");
    expect((await waited).body).toMatchObject({ status: "canceled", error: "terminated: by ada" });
  });

  // As a backup has it that was made before the end.
  const restored = async (run: WorkflowRun) => {
    await until(async () => {
      const { status } = await stack.deps.temporal.workflow.getHandle(run.id).describe();
      return status.name !== "RUNNING";
    });
    await stack.deps.db.query(
      "update workflow_runs set status = 'running', finished_at = null, error = null where id = $1",
      [run.id],
    );
    await stack.deps.db.query(
      "update step_runs set status = 'waiting', finished_at = null, error = null where run_id = $1",
      [run.id],
    );
  };

  test.each<[string, (run: WorkflowRun) => Promise<unknown>, object, object]>([
    ["completed", (run) => on.steer(run, "approve", "gate"), { status: "completed" }, {}],
    [
      "failed",
      (run) => on.steer(run, "reject", "gate", { reason: "no" }),
      { status: "failed", error: "approval rejected by ada: no" },
      {},
    ],
    ["canceled", (run) => on.cancel(run), { status: "canceled", error: "canceled by user" }, {}],
    ["timed out", async () => {}, { status: "timed_out", error: "workflow timed out" }, { timeout_secs: 1 }],
  ])("%s before a backup of Postgres was restored", async (_, ending, end, fields) => {
    const run = await on.start([GATE], {}, fields);
    await on.opens(run, "gate");
    await ending(run);
    await on.ends(run);
    await restored(run);
    await reads(run, end);
  });

  test("refuses commands as a closed run, and DELETE", async () => {
    const run = await on.start([GATE]);
    await on.opens(run, "gate");
    await stack.deps.temporal.workflow.getHandle(run.id).terminate("by ada");
    expect(await on.steer(run, "pause")).toMatchObject({
      status: 400,
      body: { error: "workflow run already in terminal state" },
    });
    expect(await cancel(run)).toMatchObject({ status: 400 });
    expect(await on.run(run)).toMatchObject({ status: "canceled", error: "terminated: by ada" });
  });
});

test("DELETE of a sub-workflow that is stored, and not started yet, takes effect", async () => {
  const child = await on.workflow([GATE, { step_ref: "job", calls: "/early", depends_on: ["gate"] }]);
  const parent = await on.start([GATE, { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id }]);
  const started = await until(async () => (await on.runsOf(child))[0]);
  await on.opens(started, "gate");
  const id = uuid();
  const { rows } = await stack.deps.db.query<{ names: string }>(
    `select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns
     where table_name = 'workflow_runs' and column_name not in ('id', 'revision') and is_generated = 'NEVER'`,
  );
  await stack.deps.db.query(
    `insert into workflow_runs (id, revision, ${rows[0]?.names}) select $1, 0, ${rows[0]?.names} from workflow_runs where id = $2`,
    [id, started.id],
  );
  expect(await cancel({ id })).toMatchObject({ status: 200, body: { status: "canceled", error: "canceled by user" } });
  expect(await stack.request<StepRun[]>("GET", `/v1/workflow-runs/${id}/steps`)).toMatchObject({
    body: [{ status: "canceled" }, { status: "canceled" }],
  });
  expect(stack.jobs.callsTo("/early")).toEqual([]);
  await on.cancel(parent);
});
