import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DryRun, StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getSteps,
  ok,
  opens,
  reaches,
  type Step,
  stepReaches,
  trigger,
  work,
} from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/good", ({ body }) => ({ body: { given: body } }));
  stack.jobs.on("/bad", () => ({ status: 422, body: "no" }));
});
afterAll(() => stack.stop());

const patch = ({ id }: Workflow, body: object) => ok<Workflow>(stack, "PATCH", `/v1/workflows/${id}`, body);
const steer = <Body = unknown>(
  run: WorkflowRun,
  ref: string,
  verb: string,
  body?: unknown,
  query = "",
  token?: string,
) => stack.request<Body>("POST", `/v1/workflow-runs/${run.id}/steps/${ref}/${verb}${query}`, body, { token });
const told = (steps: StepRun[]) => steps.map(({ step_ref, status }) => `${step_ref} ${status}`);
const latest = { version: "latest" };

/** "a" has completed, and "b" after it has failed. In the newest version "n" comes before "b", which would complete. */
async function failed(over: Step = {}) {
  const [good, bad] = [await createJob(stack, "/good"), await createJob(stack, "/bad")];
  const made = await createWorkflow(
    stack,
    [work("a", good), work("b", bad, { depends_on: ["a"] }), gate("last", { depends_on: ["b"] })],
    over,
  );
  const run = await reaches(stack, await trigger(stack, made, { payload: { order: 7 } }), "failed");
  const fixed = [
    work("n", good, { payload: { of: "{{payload.order}}" } }),
    work("a", good),
    work("b", good, { depends_on: ["a", "n"] }),
    gate("last", { depends_on: ["b"] }),
  ];
  return { made, run, fixed, good };
}

describe("a step is retried in place in the newest version", () => {
  test("of a closed run, which is one of that version from then on", async () => {
    const { made, run, fixed } = await failed();
    const next = await patch(made, { steps: fixed, max_parallel_steps: 3 });
    const plan = await steer<DryRun>(run, "b", "retry", latest, "?dryRun=true");
    expect(plan.body.steps.map(({ step_ref, actions }) => `${step_ref} ${actions.join(" ")}`)).toEqual([
      "a kept",
      "b reset",
      "last reset",
      "n started",
    ]);
    expect(await getRun(stack, run)).toEqual(run);

    expect((await steer(run, "b", "retry", latest)).body).toMatchObject({ step_run: { attempt: 2, deps_required: 2 } });
    await opens(stack, run, "last");
    expect(await getRun(stack, run)).toMatchObject({
      status: "running",
      workflow_version: 2,
      workflow_version_id: next.version_id,
      max_parallel_steps: 3,
    });
    const steps = await getSteps(stack, run);
    expect(told(steps)).toEqual(["a completed", "b completed", "last waiting", "n completed"]);
    const defined = new Map((next.steps ?? []).map(({ step_ref, id }) => [step_ref, id]));
    for (const { step_ref, workflow_step_id } of steps) expect(workflow_step_id).toBe(defined.get(step_ref));
    expect(steps[3]?.output).toEqual({ given: { order: 7, of: 7 } });
    expect((await ok<StepRun[]>(stack, "GET", `/v1/workflow-runs/${run.id}/steps/b/attempts`)).length).toBe(2);

    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/last/approve`);
    const done = await reaches(stack, run, "completed");
    // Opened again, its steps are still where they were.
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/n/replay-subtree`);
    await opens(stack, run, "last");
    expect(told(await getSteps(stack, run))).toEqual(["a completed", "b completed", "last waiting", "n completed"]);
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/last/approve`);
    expect(await reaches(stack, run, "completed")).toMatchObject({ workflow_version: done.workflow_version });
    const again = await ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${run.id}/retry`, { version: "pin" });
    await reaches(stack, again, "completed");
    expect(told(await getSteps(stack, again))).toEqual(["n completed", "a completed", "b completed", "last completed"]);
    const simulated = await ok<object>(stack, "POST", `/v1/workflow-runs/${run.id}/simulate`);
    expect(simulated).toMatchObject({ version: 2, status: "completed" });
    expect(simulated).not.toHaveProperty("diverges_at");
  });

  test("of an open run, with what is under way", async () => {
    const [good, bad] = [await createJob(stack, "/good"), await createJob(stack, "/bad")];
    const made = await createWorkflow(stack, [gate("gate"), work("b", bad, { on_failure: "continue" })]);
    const run = await trigger(stack, made);
    await opens(stack, run, "gate");
    await patch(made, {
      steps: [work("n", good), gate("gate"), work("b", good), work("z", good, { depends_on: ["gate", "n"] })],
    });
    expect((await steer(run, "b", "retry", latest)).status).toBe(200);
    await stepReaches(stack, run, "n", "completed");
    const waiting = `/v1/approvals?status=pending&workflow_id=${made.id}`;
    expect(await ok(stack, "GET", waiting)).toMatchObject([{ step_ref: "gate", starts: ["z"] }]);
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`);
    expect(await reaches(stack, run, "completed")).toMatchObject({ workflow_version: 2 });
    expect(told(await getSteps(stack, run))).toEqual(["gate completed", "b completed", "n completed", "z completed"]);
  });

  test("by a replay, which repeats what comes after it there", async () => {
    const { made, run, fixed } = await failed();
    await patch(made, { steps: fixed });
    expect((await steer(run, "a", "replay-subtree", latest)).body).toEqual({ reset_steps: 3 });
    await opens(stack, run, "last");
    expect(await getRun(stack, run)).toMatchObject({ workflow_version: 2 });
  });

  test("or stays in its own, where there is no other, or none that is compatible", async () => {
    const { made, run, fixed } = await failed();
    expect((await steer(run, "b", "retry", latest)).status).toBe(200);
    await reaches(stack, run, "failed");
    await patch(made, { steps: fixed, backwards_compatible: false });
    for (const body of [undefined, { version: "pin" }, { version: "minor" }]) {
      expect((await steer(run, "b", "retry", body)).status).toBe(200);
      expect(await reaches(stack, run, "failed")).toMatchObject({ workflow_version: 1 });
    }
  });

  test("with payloads that are checked as that version's", async () => {
    const { made, run, fixed } = await failed();
    await patch(made, { steps: fixed });
    const body = (text: string) => ({ ...latest, step_payloads: { b: { text } } });
    const wrong = await steer(run, "b", "retry", body("{{outputs.last.x}}"));
    refused(wrong, 400, "validation_error", "validation failed");
    expect((await steer(run, "b", "retry", body("{{outputs.n.given.of}}"))).status).toBe(200);
    await opens(stack, run, "last");
    expect((await getSteps(stack, run))[1]?.output).toMatchObject({ given: { text: 7 } });
  });
});

describe("a step is not retried in the newest version", () => {
  test("where a step that is kept is not as it was: why is listed", async () => {
    const { made, run, good } = await failed();
    await patch(made, {
      steps: [
        gate("z"),
        gate("last", { depends_on: ["b"] }),
        work("b", good, { depends_on: ["a"] }),
        work("a", good, { depends_on: ["z"] }),
      ],
    });
    const fault = 'step "a" is completed, and has other dependencies';
    for (const query of ["", "?dryRun=true"]) {
      const answer = await steer(run, "b", "retry", latest, query);
      const { details } = refused(answer, 409, "conflict", `workflow run cannot go on in version 2: ${fault}`);
      expect(details).toEqual([fault]);
    }
    expect(await getRun(stack, run)).toEqual(run);
  });

  test("of a workflow that is gone, or in a version that there isn't", async () => {
    const { made, run } = await failed();
    refused(await steer(run, "b", "retry", { version: "2" }), 400, "validation_error", "validation failed");
    await stack.request("DELETE", `/v1/workflows/${made.id}`);
    refused(await steer(run, "b", "retry", latest), 404, "not_found", "workflow not found");
  });

  test("in which another payload runs behind a gate that was passed, without the right to; nor is the run", async () => {
    const bad = await createJob(stack, "/bad");
    const steps = (payload?: object) => [gate("gate"), work("b", bad, { depends_on: ["gate"], payload })];
    const made = await createWorkflow(stack, steps());
    const run = await trigger(stack, made);
    await opens(stack, run, "gate");
    await steer(run, "gate", "approve", undefined, "", stack.token({ sub: "ada" }));
    await reaches(stack, run, "failed");
    await patch(made, { steps: steps({ evil: true }) });
    const token = stack.token({ sub: "eve", scopes: ["workflows:write", "workflows:trigger"] });
    const retried = (query: string, by = token) =>
      stack.request("POST", `/v1/workflow-runs/${run.id}/retry${query}`, latest, { token: by });
    for (const query of ["", "?dryRun=true"]) {
      const answers = [await steer(run, "b", "retry", latest, query, token), await retried(query)];
      for (const answer of answers)
        refused(answer, 403, "forbidden", "insufficient permissions: requires approvals:override");
    }
    expect((await steer(run, "b", "retry", undefined, "?dryRun=true", token)).status).toBe(200);
    const ada = stack.token({ sub: "ada", scopes: ["workflows:write", "workflows:trigger"] });
    expect((await retried("", ada)).status).toBe(201);
    expect((await steer(run, "b", "retry", latest, "", ada)).status).toBe(200);
  });

  test("in which the run's overrides pass a gate, without the right to", async () => {
    const { made, good } = await failed();
    const bad = await createJob(stack, "/bad");
    const steps = [work("a", good), work("b", bad, { depends_on: ["a"] }), work("last", good, { depends_on: ["b"] })];
    const plain = await createWorkflow(stack, steps);
    const started = await trigger(stack, plain, { step_overrides: { last: false } });
    const run = await reaches(stack, started, "failed");
    await patch(plain, {
      steps: [...steps.slice(0, 2), gate("last", { depends_on: ["b"], approval_approvers: ["carl"] })],
    });
    const as = (scopes: string[]) => stack.token({ sub: "bob", scopes });
    const answer = await steer(run, "b", "retry", latest, "", as(["workflows:write"]));
    refused(answer, 403, "forbidden", "insufficient permissions: requires approvals:override");
    expect((await steer(run, "b", "retry", latest, "", as(["workflows:write", "approvals:override"]))).status).toBe(
      200,
    );
    expect(made.version).toBe(1);
  });
});
