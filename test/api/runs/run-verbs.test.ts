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
  wait,
  work,
} from "../definitions.ts";
import { answered, refused, run as runShape } from "../shapes.ts";
import { runsOn } from "./steered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const UNKNOWN = "01900000-0000-7000-8000-000000000000";
const NOT_RUN_IDS = [UNKNOWN, "string", "0", "01900000", `${UNKNOWN}0`, UNKNOWN.replaceAll("-", "")];

const { cancel, pause, resume, completedRun, atGate, runOfSlowStep } = runsOn(() => stack);

describe("every verb of a run", () => {
  const verbs: [method: string, rest: string][] = [
    ["GET", ""],
    ["DELETE", ""],
    ["GET", "/steps"],
    ["POST", "/pause"],
    ["POST", "/resume"],
    ["POST", "/retry"],
  ];
  test.each(verbs)("%s …%s of an unknown or malformed id is a 404", async (method, rest) => {
    for (const id of NOT_RUN_IDS)
      refused(
        await stack.request(method, `/v1/workflow-runs/${id}${rest}`),
        404,
        "not_found",
        "workflow run not found",
      );
  });
  test.each(verbs)("%s …%s of another project's run is the same 404, and does nothing", async (method, rest) => {
    const run = await atGate();
    const token = stack.token({ projects: ["other"] });
    const answer = await stack.request(method, `/v1/workflow-runs/${run.id}${rest}`, undefined, { token });
    refused(answer, 404, "not_found", "workflow run not found");
    expect((await getRun(stack, run)).status).toBe("running");
  });
});

describe("canceling a run", () => {
  test("closes it and its steps at once, and the list shows it", async () => {
    const run = await atGate();
    const canceled = answered(await cancel(run), 200, runShape);
    expect(canceled).toMatchObject({ id: run.id, status: "canceled", error: "canceled by user" });
    expect(canceled.finished_at).toBeDefined();
    expect(await listed(stack, run)).toEqual(canceled);
    for (const step of await getSteps(stack, run)) {
      expect(step).toMatchObject({ status: "canceled", error: "workflow canceled by user" });
      expect(step.finished_at).toBeDefined();
    }
  });

  test("cancels what its steps had begun: the job run and the waiting event", async () => {
    const { run, answer } = await runOfSlowStep("/canceled", [wait("paid", "canceled-key")]);
    await opens(stack, run, "paid");
    answered(await cancel(run), 200, runShape);
    const { job_run_id } = await getStep(stack, run, "slow");
    await until(async () => {
      const jobRun = await stack.request<{ status: string }>("GET", `/v1/runs/${job_run_id}`);
      return jobRun.body.status === "canceled";
    });
    const sent = await stack.request("POST", "/v1/events/canceled-key/send", { payload: 1 });
    refused(sent, 409, "conflict", "event trigger is not in waiting state");
    answer();
  });

  test("leaves the steps that had ended as they were", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [work("done", job), gate("gate", { depends_on: ["done"] })]);
    await opens(stack, run, "gate");
    answered(await cancel(run), 200, runShape);
    expect(await getStep(stack, run, "done")).toMatchObject({ status: "completed", output: {} });
  });

  test("works on a paused run", async () => {
    const run = await atGate();
    answered(await pause(run), 200, runShape);
    expect(answered(await cancel(run), 200, runShape).status).toBe("canceled");
  });

  test("of a run that is over is refused: it is not idempotent", async () => {
    const run = await atGate();
    await cancel(run);
    for (const over of [run, await completedRun()])
      refused(await cancel(over), 400, "invalid_state", "workflow run already in terminal state");
  });

  test("against an approval: whatever was answered 200 is true afterwards", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    const [canceled, approved] = await Promise.all([
      cancel(run),
      stack.request("POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`),
    ]);
    const over = await until(async () => {
      const now = await getRun(stack, run);
      return now.finished_at && now;
    });
    expect(over.status).toBe(canceled.status === 200 ? "canceled" : "completed");
    expect((await getStep(stack, run, "gate")).status).toBe(approved.status === 200 ? "completed" : "canceled");
    if (canceled.status !== 200) expect([400, 409]).toContain(canceled.status);
    if (approved.status !== 200) refused(approved, 400, "invalid_state", "step gate is already in terminal state");
  });
});

describe("pausing and resuming a run", () => {
  test("answer the run, and the list shows it", async () => {
    const run = await atGate();
    const paused = answered(await pause(run), 200, runShape);
    expect(paused).toMatchObject({ id: run.id, status: "paused" });
    expect(await listed(stack, run)).toEqual(paused);
    const resumed = answered(await resume(run), 200, runShape);
    expect(resumed).toMatchObject({ id: run.id, status: "running" });
    expect(await listed(stack, run)).toEqual(resumed);
  });

  test("pausing twice is pausing once; resuming twice is refused", async () => {
    const run = await atGate();
    const once = answered(await pause(run), 200, runShape);
    expect(answered(await pause(run), 200, runShape)).toEqual(once);
    answered(await resume(run), 200, runShape);
    refused(await resume(run), 400, "invalid_state", "workflow run is not paused");
  });

  test("are refused once the run is over", async () => {
    const completed = await completedRun();
    const canceled = await atGate();
    await cancel(canceled);
    for (const run of [completed, canceled]) {
      refused(await pause(run), 400, "invalid_state", "workflow run already in terminal state");
      refused(await resume(run), 400, "invalid_state", "workflow run is not paused");
    }
  });

  test("a call on its way ends while the run is paused; what comes after it waits for the resume", async () => {
    const job = await createJob(stack, "/after-pause");
    const { run, answer } = await runOfSlowStep("/paused", [work("after", job, { depends_on: ["slow"] })]);
    answered(await pause(run), 200, runShape);
    answer();
    await stepReaches(stack, run, "slow", "completed");
    expect(await getStep(stack, run, "after")).toMatchObject({
      status: "waiting",
      deps_completed: 1,
      deps_required: 1,
    });
    expect((await getRun(stack, run)).status).toBe("paused");
    expect(stack.jobs.callsTo("/after-pause")).toHaveLength(0);
    await resume(run);
    await reaches(stack, run, "completed");
    expect(stack.jobs.callsTo("/after-pause")).toHaveLength(1);
  });

  test("a run paused during its last step completes, and then there is nothing to resume", async () => {
    const { run, answer } = await runOfSlowStep("/paused-last");
    await pause(run);
    answer();
    await reaches(stack, run, "completed");
    refused(await resume(run), 400, "invalid_state", "workflow run is not paused");
  });
});
