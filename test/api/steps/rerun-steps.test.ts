import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createJob,
  gate,
  getRun,
  getStep,
  getSteps,
  listed,
  opens,
  reaches,
  runOf,
  stepReaches,
  work,
} from "../definitions.ts";
import { answered, gateAnswer, refused, resetAnswer, run as runShape, stepAnswer } from "../shapes.ts";
import { runsOn } from "../runs/steered.ts";
import { stepsOn } from "./steered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { steer, atGate } = stepsOn(() => stack);
const { cancel, pause } = runsOn(() => stack);

describe("retrying a step", () => {
  test("of a failed run opens it again and runs the step, and what it had lost, once more", async () => {
    stack.jobs.on("/second-time", (_call, nth) => (nth < 3 ? { status: 400, body: "no" } : { body: { at: "last" } }));
    const job = await createJob(stack, "/second-time");
    const run = await runOf(stack, [work("flaky", job), gate("gate", { depends_on: ["flaky"] })]);
    const { job_run_id } = await stepReaches(stack, await reaches(stack, run, "failed"), "flaky", "failed");

    for (const attempt of [2, 3]) {
      const { step_run } = answered(await steer(run, "flaky", "retry"), 200, stepAnswer);
      expect(step_run).toMatchObject({ step_ref: "flaky", attempt, deps_completed: 0, deps_required: 0 });
      expect(["pending", "running"]).toContain(step_run.status);
      for (const cleared of ["finished_at", "error", "output"]) expect(step_run).not.toHaveProperty(cleared);
      expect(step_run.job_run_id).not.toBe(job_run_id);
      if (attempt === 2) await until(async () => (await getRun(stack, run)).status === "failed");
    }
    await opens(stack, run, "gate");
    const reopened = answered(await stack.request("GET", `/v1/workflow-runs/${run.id}`), 200, runShape);
    expect(reopened).toMatchObject({ status: "running", started_at: run.started_at, created_at: run.created_at });
    expect(reopened).not.toHaveProperty("finished_at");
    expect(reopened).not.toHaveProperty("error");
    expect(await listed(stack, run)).toEqual(reopened);
    expect(await getStep(stack, run, "flaky")).toMatchObject({
      attempt: 3,
      status: "completed",
      output: { at: "last" },
    });
    expect(stack.jobs.callsTo("/second-time")).toHaveLength(3);
  });

  test("of an open run runs it again beside the rest", async () => {
    const job = await createJob(stack, "/again");
    const run = await runOf(stack, [work("job", job), gate("gate")]);
    await stepReaches(stack, run, "job", "completed");
    answered(await steer(run, "job", "retry"), 200, stepAnswer);
    await until(() => stack.jobs.callsTo("/again").length === 2);
    await stepReaches(stack, run, "job", "completed");
    expect((await getRun(stack, run)).status).toBe("running");
  });

  test("of a canceled run is allowed: a gate opens again, for a new approval", async () => {
    const run = await atGate();
    await cancel(run);
    const { step_run } = answered(await steer(run, "gate", "retry"), 200, stepAnswer);
    expect(step_run.attempt).toBe(2);
    expect((await listed(stack, run))?.status).toBe("running");
    await opens(stack, run, "gate");
    const { approval } = answered(await steer(run, "gate", "approve"), 200, gateAnswer);
    expect(approval.status).toBe("approved");
    await opens(stack, run, "next");
  });

  test("in a paused run lets it go on", async () => {
    const run = await atGate();
    await steer(run, "gate", "skip");
    await pause(run);
    answered(await steer(run, "gate", "retry"), 200, stepAnswer);
    expect((await listed(stack, run))?.status).toBe("running");
  });

  test("that has not ended is refused", async () => {
    const run = await atGate();
    for (const ref of ["gate", "next"])
      refused(await steer(run, ref, "retry"), 400, "invalid_state", "step run must be terminal to retry");
  });
});

describe("replaying a subtree", () => {
  test("of a completed run runs the step and everything behind it again, and nothing else", async () => {
    const [a, b] = [await createJob(stack, "/replay-a"), await createJob(stack, "/replay-b")];
    const run = await runOf(stack, [
      work("a", a),
      work("b", b, { depends_on: ["a"] }),
      work("c", b, { depends_on: ["b"] }),
      work("d", a),
    ]);
    await reaches(stack, run, "completed");
    expect(answered(await steer(run, "b", "replay-subtree"), 200, resetAnswer)).toEqual({ reset_steps: 2 });
    await until(() => stack.jobs.callsTo("/replay-b").length === 4);
    await reaches(stack, run, "completed");
    expect(answered(await steer(run, "a", "replay-subtree"), 200, resetAnswer)).toEqual({ reset_steps: 3 });
    await until(() => stack.jobs.callsTo("/replay-b").length === 6);
    await reaches(stack, run, "completed");
    expect(stack.jobs.callsTo("/replay-a")).toHaveLength(3);
    expect((await getSteps(stack, run)).map(({ attempt }) => attempt)).toEqual([2, 3, 3, 1]);
  });

  test("of a paused run needs no ended step, and lets it go on; the list shows it", async () => {
    const run = await atGate();
    await pause(run);
    expect(answered(await steer(run, "gate", "replay-subtree"), 200, resetAnswer)).toEqual({ reset_steps: 2 });
    expect((await listed(stack, run))?.status).toBe("running");
    expect(await opens(stack, run, "gate")).toMatchObject({ attempt: 2 });
  });

  test("of a running run's step that has not ended is refused", async () => {
    const answer = await steer(await atGate(), "gate", "replay-subtree");
    refused(answer, 400, "invalid_state", "step run must be terminal to replay");
  });
});
