import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringifyJson } from "../../../src/contract/json.ts";
import type { RunSimulation } from "../../../src/contract/simulation/simulations.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getSteps,
  ok,
  opens,
  reaches,
  runOf,
  type Step,
  stepReaches,
  trigger,
  wait,
  work,
} from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/score", () => ({ body: { points: 3, filling: "x".repeat(2_000) } }));
  stack.jobs.on("/no", () => ({ status: 422, body: "no" }));
});
afterAll(() => stack.stop());

const post = ({ id }: { id: string }, body?: unknown) =>
  stack.request<RunSimulation>("POST", `/v1/workflow-runs/${id}/simulate`, body);
async function simulated(run: WorkflowRun, body?: unknown): Promise<RunSimulation> {
  const answer = await post(run, body);
  expect(answer.status, stringifyJson(answer.body)).toBe(200);
  return answer.body;
}
const steer = (run: WorkflowRun, path: string, body?: unknown) =>
  ok(stack, "POST", `/v1/workflow-runs/${run.id}/${path}`, body);
const told = ({ steps }: RunSimulation) => steps.map(({ step_ref, status }) => `${step_ref} ${status}`).sort();
const toldOf = async (run: WorkflowRun) =>
  (await getSteps(stack, run)).map(({ step_ref, status }) => `${step_ref} ${status}`).sort();

/** It goes as it went. */
async function goesAsItWent(run: WorkflowRun): Promise<RunSimulation> {
  const answer = await simulated(run);
  expect(answer).not.toHaveProperty("diverges_at");
  expect(told(answer)).toEqual(await toldOf(run));
  expect([answer.status, answer.error]).toEqual([run.status, run.error]);
  return answer;
}

const AT_LEAST_5 = { type: "gte", left: { ref: "outputs.score.points" }, right: 5 };
const scored = async (): Promise<Step[]> => {
  const [score, publish] = [await createJob(stack, "/score"), await createJob(stack, "/publish")];
  return [
    work("score", score),
    gate("review", { depends_on: ["score"], condition: AT_LEAST_5 }),
    work("publish", publish, { depends_on: ["review"] }),
  ];
};

describe("a closed run is simulated", () => {
  test("as it went, and with another outcome to the first step that goes another way", async () => {
    const run = await reaches(stack, await runOf(stack, await scored()), "completed");
    const same = await goesAsItWent(run);
    expect(same).toMatchObject({ workflow_run_id: run.id, workflow_id: run.workflow_id, version: 1 });
    expect(same.started_at).toBe(run.started_at);
    expect(same.steps[0]).toMatchObject({ output: { points: 3 }, attempts: [{ status: "completed" }] });
    const took = same.steps[0]?.duration_ms ?? 0;
    expect(took).toBeGreaterThan(0);

    const other = await simulated(run, { outcomes: { score: { output: { points: 7 } } } });
    expect(told(other)).toEqual(["publish completed", "review completed", "score completed"]);
    expect(other.diverges_at).toEqual({
      step_ref: "review",
      did: { status: "skipped", cause: "condition" },
      would: { status: "completed" },
    });
    expect(other.steps[0]).toMatchObject({ step_ref: "score", duration_ms: took });
    const slower = { score: { output: { points: 7 }, duration_secs: 5 } };
    expect((await simulated(run, { outcomes: slower })).steps[0]).toMatchObject({ duration_ms: 5000 });
    const failing = await simulated(run, { outcomes: { publish: { failure: { status_code: 404 } } } });
    expect(failing).toMatchObject({
      status: "failed",
      error: "endpoint returned 404",
      diverges_at: { step_ref: "publish", did: { status: "completed" }, would: { status: "failed" } },
    });
    expect(await reaches(stack, run, "completed")).toEqual(run);
    expect(stack.jobs.callsTo("/publish")).toHaveLength(1);
  });

  test("with a failed step that succeeds, and what nobody knows assumed", async () => {
    const [bad, good] = [await createJob(stack, "/no"), await createJob(stack)];
    const run = await reaches(
      stack,
      await runOf(stack, [work("a", bad), gate("open"), work("b", good, { depends_on: ["a"] })]),
      "failed",
    );
    await goesAsItWent(run);
    const answer = await simulated(run, { outcomes: { a: { output: 1 } } });
    expect(answer).toMatchObject({ status: "completed", diverges_at: { step_ref: "a", did: { error: run.error } } });
    const assumed = answer.steps.filter((step) => step.assumed).map(({ step_ref }) => step_ref);
    expect(assumed.sort()).toEqual(["b", "open"]);
  });

  test("with its decisions, events, overrides, retries and time limits", async () => {
    let calls = 0;
    stack.jobs.on("/flaky", () => (++calls === 1 ? { status: 503 } : { body: { n: 1 } }));
    const [flaky, sent] = [await createJob(stack, "/flaky"), uuid()];
    const run = await runOf(stack, [
      work("flaky", flaky, { retry_max_attempts: 2 }),
      gate("approved"),
      gate("rejected", { on_failure: "continue" }),
      gate("late", { on_failure: "continue", approval_timeout_secs: 1 }),
      gate("skipped"),
      gate("forced", { depends_on: ["approved"] }),
      wait("event", sent),
      { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 1 },
      work("last", flaky, { depends_on: ["event", "forced"] }),
    ]);
    for (const ref of ["approved", "rejected", "skipped", "event"]) await opens(stack, run, ref);
    await steer(run, "steps/forced/force-complete", { result: { by: "hand" } });
    await steer(run, "steps/approved/approve");
    await steer(run, "steps/rejected/reject", { reason: "not now" });
    await steer(run, "steps/skipped/skip", { reason: "no need" });
    await ok(stack, "POST", `/v1/events/${sent}/send`, { payload: { paid: true } });
    const done = await reaches(stack, run, "completed");
    const answer = await goesAsItWent(done);
    const stepOf = (ref: string) => answer.steps.find(({ step_ref }) => step_ref === ref);
    expect(stepOf("flaky")?.attempts).toMatchObject([
      { status: "failed", class: "server", error: "endpoint returned 503: {}" },
      { status: "completed" },
    ]);
    expect(stepOf("rejected")?.error).toBe("approval rejected by ada: not now");
    expect(stepOf("event")?.output).toEqual({ paid: true });
    expect(stepOf("last")?.payload).toMatchObject({
      parent_outputs: { forced: { by: "hand" }, event: { paid: true } },
    });

    const timed = await reaches(
      stack,
      await runOf(stack, [gate("a"), wait("b", uuid())], { timeout_secs: 1 }),
      "timed_out",
    );
    await goesAsItWent(timed);
  });

  test("after a retry of a step, and as a retry that keeps what had completed", async () => {
    let calls = 0;
    stack.jobs.on("/second", () => (++calls % 2 === 1 ? { status: 422, body: "not yet" } : { body: 2 }));
    const [good, second] = [await createJob(stack), await createJob(stack, "/second")];
    const steps = [work("a", good), work("b", second, { depends_on: ["a"] })];
    const run = await reaches(stack, await runOf(stack, steps), "failed");
    await steer(run, "steps/b/retry");
    await goesAsItWent(await reaches(stack, run, "completed"));

    const failed = await reaches(stack, await runOf(stack, steps), "failed");
    const retried = await ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${failed.id}/retry`);
    const answer = await goesAsItWent(await reaches(stack, retried, "completed"));
    expect(answer.steps[0]).toMatchObject({ step_ref: "a", kept: true });
    const again = await simulated(retried, { outcomes: { a: { output: 3 } } });
    expect(again.steps[0]).not.toHaveProperty("kept");
  });

  test("without its cancellation", async () => {
    const run = await runOf(stack, [gate("a")]);
    await opens(stack, run, "a");
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    const canceled = await reaches(stack, run, "canceled");
    expect(await simulated(canceled)).toMatchObject({
      status: "completed",
      diverges_at: { step_ref: "a", did: { status: "canceled" }, would: { status: "completed" } },
    });
  });

  test("as one of the newest version", async () => {
    const made = await createWorkflow(stack, await scored());
    const run = await reaches(stack, await trigger(stack, made), "completed");
    const steps = [...(await scored()), gate("new", { depends_on: ["publish"] })].map((step) =>
      step.step_ref === "review" ? { ...step, condition: undefined } : step,
    );
    await ok<Workflow>(stack, "PATCH", `/v1/workflows/${made.id}`, { steps });
    expect(await simulated(run, { version: "pin" })).not.toHaveProperty("diverges_at");
    const latest = await simulated(run, { version: "latest" });
    expect(latest).toMatchObject({ version: 2, diverges_at: { step_ref: "review", did: { status: "skipped" } } });
    expect(told(latest)).toContain("new completed");
    refused(await post(run, { version: "2" }), 400, "validation_error", "validation failed");
  });
});

describe("a run is not simulated", () => {
  test("while it is open, when there is none, or with outcomes that do not fit", async () => {
    const run = await runOf(stack, [gate("a")]);
    refused(await post(run), 400, "invalid_state", "can only simulate a workflow run in terminal state");
    refused(await post({ id: uuid() }), 404, "not_found", "workflow run not found");
    await opens(stack, run, "a");
    await steer(run, "steps/a/approve");
    await stepReaches(stack, run, "a", "completed");
    await reaches(stack, run, "completed");
    const answer = refused(await post(run, { outcomes: { b: {} } }), 400, "validation_error", "validation failed");
    expect(answer.details).toEqual(["outcomes.b: the run has no such step"]);
    refused(await post(run, { payload: 1 }), 400, "validation_error", "invalid request body");
    const path = `/v1/workflow-runs/${run.id}/simulate`;
    const dry = await stack.request("POST", `${path}?dryRun=true`);
    refused(dry, 400, "validation_error", "unknown query parameter dryRun");
  });

  test("in a version of a workflow that is gone", async () => {
    const made = await createWorkflow(stack, [work("a", await createJob(stack))]);
    const run = await reaches(stack, await trigger(stack, made), "completed");
    await stack.request("DELETE", `/v1/workflows/${made.id}`);
    await simulated(run);
    refused(await post(run, { version: "latest" }), 404, "not_found", "workflow not found");
  });
});
