import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getSteps,
  ok,
  opens,
  reaches,
  type Step,
  trigger,
  work,
} from "../definitions.ts";
import { answered, refused, run as runShape } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/good", () => ({ body: "good" }));
  stack.jobs.on("/bad", () => ({ status: 422, body: "no" }));
});
afterAll(() => stack.stop());

const patch = ({ id }: Workflow, body: object) => ok<Workflow>(stack, "PATCH", `/v1/workflows/${id}`, body);
const retry = ({ id }: WorkflowRun, body?: object, query = "") =>
  stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${id}/retry${query}`, body);
const retried = async (run: WorkflowRun, body?: object) => answered(await retry(run, body), 201, runShape);
const told = (steps: StepRun[]) => steps.map(({ step_ref, status }) => `${step_ref} ${status}`);

/** "a" has completed, and "b" after it has failed. Another version of it would complete. */
async function failed(over: Step = {}) {
  const [good, bad] = [await createJob(stack, "/good"), await createJob(stack, "/bad")];
  const made = await createWorkflow(stack, [work("a", good), work("b", bad, { depends_on: ["a"] })], over);
  const run = await reaches(stack, await trigger(stack, made), "failed");
  const fixed = [work("a", good), work("b", good, { depends_on: ["a"] }), work("n", good, { depends_on: ["b"] })];
  return { made, run, fixed, good };
}

describe("a retried run is of", () => {
  test("the version that it began with, unless told otherwise", async () => {
    const { made, run, fixed } = await failed();
    await patch(made, { steps: fixed });
    expect(await retried(run)).toMatchObject({ workflow_version: 1, workflow_version_id: made.version_id });
    expect(await retried(run, { version: "minor" })).toMatchObject({ workflow_version: 1 });
  });

  test("the newest version when told so, and keeps what has completed", async () => {
    const { made, run, fixed } = await failed();
    const next = await patch(made, { steps: fixed, max_parallel_steps: 3 });
    const dry = await retry(run, { version: "latest" }, "?dryRun=true");
    expect(dry).toMatchObject({
      status: 200,
      body: {
        steps: [
          { step_ref: "a", actions: ["kept"] },
          { step_ref: "b", actions: ["reset", "started"] },
          { step_ref: "n", actions: ["reset"] },
        ],
      },
    });
    const again = await retried(run, { version: "latest", step_payloads: { n: { from: "{{outputs.a}}" } } });
    expect(again).toMatchObject({
      ...{ workflow_version: 2, workflow_version_id: next.version_id, max_parallel_steps: 3, retry_of_run_id: run.id },
    });
    await reaches(stack, again, "completed");
    expect(told(await getSteps(stack, again))).toEqual(["a completed", "b completed", "n completed"]);
    expect(stack.jobs.callsTo("/good").filter(({ headers }) => headers["x-workflow-run-id"] === again.id)).toHaveLength(
      2,
    );
  });

  test("the newest version where the workflow says latest, or pinned where the retry does", async () => {
    const { made, run, fixed } = await failed();
    await patch(made, { steps: fixed });
    await patch(made, { version_policy: "latest" });
    expect(await retried(run)).toMatchObject({ workflow_version: 3 });
    expect(await retried(run, { version: "pin" })).toMatchObject({ workflow_version: 1 });
  });

  test("the last version that is compatible in a row where the workflow says minor", async () => {
    const { made, run, fixed } = await failed({ version_policy: "minor" });
    await patch(made, { backwards_compatible: true });
    await patch(made, { steps: fixed });
    expect(await retried(run)).toMatchObject({ workflow_version: 3 });
    await patch(made, { backwards_compatible: false });
    await patch(made, { backwards_compatible: true });
    expect(await retried(run)).toMatchObject({ workflow_version: 3 });
    expect(await retried(run, { version: "latest" })).toMatchObject({ workflow_version: 5 });
  });

  test("no version in which what has completed is another step: why is listed", async () => {
    const { made, run, good } = await failed();
    const steps = [work("z", good), work("a", good, { depends_on: ["z"] }), work("b", good, { depends_on: ["a"] })];
    await patch(made, { steps });
    const fault = 'step "a" has completed, and has other dependencies';
    for (const query of ["", "?dryRun=true"]) {
      const answer = await retry(run, { version: "latest" }, query);
      const { details } = refused(answer, 409, "conflict", `workflow run cannot be retried in version 2: ${fault}`);
      expect(details).toEqual([fault]);
    }
    expect(await retried(run)).toMatchObject({ workflow_version: 1 });
  });

  test("no version while the run is open, and none that there isn't", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const run = await trigger(stack, made);
    await patch(made, {});
    const open = "can only retry a workflow run in terminal state";
    refused(await retry(run, { version: "latest" }), 400, "invalid_state", open);
    refused(await retry(run, { version: "2" }), 400, "validation_error", "validation failed");
  });

  test("no version in which its overrides pass a gate, without the right to", async () => {
    const { made, good } = await failed();
    const overridden = await trigger(stack, made, { step_overrides: [{ step_ref: "b", enabled: false }] });
    const run = await reaches(stack, overridden, "completed");
    await patch(made, { steps: [work("a", good), gate("b", { depends_on: ["a"], approval_approvers: ["carl"] })] });
    const asked = (scopes: string[]) =>
      stack.request(
        "POST",
        `/v1/workflow-runs/${run.id}/retry`,
        { version: "latest" },
        { token: stack.token({ sub: "bob", scopes }) },
      );
    const message = "insufficient permissions: requires approvals:override";
    refused(await asked(["workflows:trigger"]), 403, "forbidden", message);
    answered(await asked(["workflows:trigger", "approvals:override"]), 201, runShape);
  });
});

describe("a sub_workflow step runs", () => {
  /** The version of the child that a new run of the parent has. */
  async function childOf(parent: Workflow): Promise<number> {
    const run = await trigger(stack, parent);
    const step = await opensAsChild(run);
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    return step.workflow_version;
  }
  async function opensAsChild(run: WorkflowRun): Promise<WorkflowRun> {
    const child = await runsAsChild(run);
    await opens(stack, child, "a");
    return child;
  }
  const runsAsChild = (run: WorkflowRun): Promise<WorkflowRun> =>
    until(async () => {
      const runs = await ok<WorkflowRun[]>(stack, "GET", "/v1/workflow-runs?limit=100");
      return runs.find(({ parent_workflow_run_id }) => parent_workflow_run_id === run.id);
    });

  test("the version that was newest when it was stored, as long as its workflow says pin", async () => {
    const child = await createWorkflow(stack, [gate("a")]);
    const steps = [{ step_ref: "sub", workflow: child.slug }];
    const parent = await createWorkflow(stack, steps);
    const next = await patch(child, { steps: [gate("a"), gate("b")], max_parallel_steps: 2, timeout_secs: 60 });
    expect(await childOf(parent)).toBe(1);
    await patch(parent, { name: "steps stay as they are" });
    expect(await childOf(parent)).toBe(1);
    const again = await patch(parent, { steps });
    expect(again.steps).toMatchObject([{ sub_workflow_version_id: next.version_id }]);
    const run = await opensAsChild(await trigger(stack, again));
    expect(run).toMatchObject({ workflow_version: 2, max_parallel_steps: 2, expires_at: expect.any(String) });
    expect(told(await getSteps(stack, run))).toEqual(["a waiting", "b waiting"]);
  });

  test("the newest where it says latest, and the last compatible one where it says minor", async () => {
    const child = await createWorkflow(stack, [gate("a")]);
    const parent = await createWorkflow(stack, [{ step_ref: "sub", workflow: child.slug }], {
      version_policy: "latest",
    });
    await patch(child, { backwards_compatible: true });
    await patch(child, { backwards_compatible: false });
    expect(await childOf(parent)).toBe(3);
    await patch(parent, { version_policy: "minor" });
    expect(await childOf(parent)).toBe(2);
    await patch(parent, { version_policy: "pin" });
    expect(await childOf(parent)).toBe(1);
  });
});
