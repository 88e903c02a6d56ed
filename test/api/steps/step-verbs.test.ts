import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { findApproval } from "../../../src/store/approvals.ts";
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
import { answered, gateAnswer, refused, resetAnswer, run as runShape, stepAnswer } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

type Verb = "approve" | "reject" | "skip" | "force-complete" | "retry" | "replay-subtree";

const steer = (run: WorkflowRun, ref: string, verb: Verb, body?: unknown, token?: string) =>
  stack.request("POST", `/v1/workflow-runs/${run.id}/steps/${ref}/${verb}`, body, { token });
const steerRun = (run: WorkflowRun, verb: "pause" | "resume") =>
  stack.request("POST", `/v1/workflow-runs/${run.id}/${verb}`);
const cancel = (run: WorkflowRun) => stack.request("DELETE", `/v1/workflow-runs/${run.id}`);

const gateStatus = async (step: StepRun) => (await findApproval(stack.deps.db, step.id))?.status;

/** An open gate, and a second one behind it. */
async function atGate(approvers = ["ada"]): Promise<WorkflowRun> {
  const run = await runOf(stack, [
    gate("gate", { approval_approvers: approvers }),
    gate("next", { depends_on: ["gate"] }),
  ]);
  await opens(stack, run, "gate");
  return run;
}

/** A run whose step "slow" calls an endpoint that answers when told to. */
async function runOfSlowStep(path: string) {
  let answer = () => {};
  stack.jobs.on(path, () => new Promise((resolve) => (answer = () => resolve({ body: { slow: true } }))));
  const run = await runOf(stack, [work("slow", await createJob(stack, path))]);
  await until(() => stack.jobs.callsTo(path).length > 0);
  return { run, answer: () => answer() };
}

describe("every verb of a step", () => {
  const verbs: [verb: Verb, unknownStep: string][] = [
    ["approve", "workflow step run not found"],
    ["reject", "workflow step run not found"],
    ["skip", "workflow step run not found"],
    ["force-complete", "workflow step run not found"],
    ["retry", "workflow step run not found"],
    ["replay-subtree", "step not found in workflow version"],
  ];

  test.each(verbs)("%s of an unknown or malformed run is a 404", async (verb) => {
    for (const id of [uuid(), "string", "0"])
      refused(
        await stack.request("POST", `/v1/workflow-runs/${id}/steps/gate/${verb}`, {}),
        404,
        "not_found",
        "workflow run not found",
      );
  });

  test.each(verbs)("%s of another project's run is the same 404, and does nothing", async (verb) => {
    const run = await atGate();
    const answer = await steer(run, "gate", verb, {}, stack.token({ projects: ["other"] }));
    refused(answer, 404, "not_found", "workflow run not found");
    expect((await getStep(stack, run, "gate")).status).toBe("waiting");
  });

  test.each(verbs)("%s of an unknown step is a 404, in open and closed runs", async (verb, message) => {
    const run = await atGate();
    const refs = ["nope", "GATE", encodeURIComponent("gate/next")];
    for (const ref of refs) refused(await steer(run, ref, verb, {}), 404, "not_found", message);
    await cancel(run);
    for (const ref of refs) refused(await steer(run, ref, verb, {}), 404, "not_found", message);
  });

  test.each(verbs)(
    "%s of a name that is longer than any step's never gets as far as the run",
    async (verb, message) => {
      const run = await atGate();
      refused(await steer(run, "x".repeat(129), verb, {}), 404, "not_found", message);
      refused(await steer(run, "x".repeat(8_000), verb, {}), 404, "not_found", message);
      const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
      expect(events?.filter((event) => event.workflowExecutionSignaledEventAttributes)).toEqual([]);
    },
  );

  test.each(verbs.slice(0, 4))("%s refuses a body that is malformed or has unknown fields", async (verb) => {
    const run = await atGate();
    for (const [body, field] of [
      ["{", "body"],
      ["{} {}", "body"],
      ["[]", "body"],
      ['{"nope": 1}', "nope"],
    ] as const) {
      const { details } = refused(
        await steer(run, "gate", verb, body),
        400,
        "validation_error",
        "invalid request body",
      );
      expect(details).toEqual([expect.stringMatching(`^${field}: `)]);
    }
    expect((await getStep(stack, run, "gate")).status).toBe("waiting");
  });
});

describe("approving", () => {
  test("completes the gate, says by whom, and what waits for it goes on", async () => {
    const run = await atGate();
    const opened = await getStep(stack, run, "gate");
    const { step_run, approval } = answered(await steer(run, "gate", "approve"), 200, gateAnswer);
    expect(step_run).toMatchObject({ id: opened.id, status: "completed", started_at: opened.started_at });
    expect(step_run).not.toHaveProperty("output");
    expect(approval).toMatchObject({
      id: `approval:${opened.id}`,
      workflow_run_id: run.id,
      workflow_step_run_id: opened.id,
      approvers: ["ada"],
      status: "approved",
      approved_by: "ada",
      requested_at: opened.started_at,
    });
    expect(approval.approved_at).toBe(step_run.finished_at);
    expect(await getStep(stack, run, "gate")).toEqual(step_run);
    await opens(stack, run, "next");
  });

  test("works behind another step, as the root gate does", async () => {
    const run = await atGate();
    await steer(run, "gate", "approve");
    await opens(stack, run, "next");
    const { step_run } = answered(await steer(run, "next", "approve"), 200, gateAnswer);
    expect(step_run).toMatchObject({ status: "completed", deps_completed: 1, deps_required: 1 });
    expect((await listed(stack, run))?.status).toBe("completed");
  });

  test("takes no body, an empty one, and a deprecated approver who is not listened to", async () => {
    for (const body of [undefined, "", "  ", {}, { approver: "mallory" }, { approver: null }]) {
      const { approval } = answered(await steer(await atGate(), "gate", "approve", body), 200, gateAnswer);
      expect(approval.approved_by).toBe("ada");
    }
  });

  test("by someone who is not listed is refused, and the gate stays open", async () => {
    const run = await atGate(["ada", "user-1"]);
    const answer = await steer(run, "gate", "approve", { approver: "ada" }, stack.token({ sub: "bob" }));
    refused(answer, 400, "approver_not_allowed", "approver bob is not allowed for step gate");
    answered(await steer(run, "gate", "approve", {}, stack.token({ sub: "user-1" })), 200, gateAnswer);
  });

  test("what has ended already is refused: a second time, in a canceled run, on a finished job step", async () => {
    const run = await atGate();
    await steer(run, "gate", "approve");
    refused(await steer(run, "gate", "approve"), 400, "invalid_state", "step gate is already in terminal state");
    const canceled = await atGate();
    await cancel(canceled);
    refused(await steer(canceled, "gate", "approve"), 400, "invalid_state", "step gate is already in terminal state");
    const done = await reaches(stack, await runOf(stack, [work("job", await createJob(stack))]), "completed");
    refused(await steer(done, "job", "approve"), 400, "invalid_state", "step job is already in terminal state");
  });

  test("what is no approval, or has not opened yet, is refused", async () => {
    const run = await atGate();
    refused(await steer(run, "next", "approve"), 400, "invalid_state", "approval not found for step next");
    const { run: busy, answer } = await runOfSlowStep("/no-approval");
    refused(await steer(busy, "slow", "approve"), 400, "invalid_state", "approval not found for step slow");
    answer();
  });

  test("in a paused run leaves it paused, and counts once it is resumed", async () => {
    const run = await atGate();
    await steerRun(run, "pause");
    answered(await steer(run, "gate", "approve"), 200, gateAnswer);
    expect((await getRun(stack, run)).status).toBe("paused");
    expect(await getStep(stack, run, "next")).toMatchObject({ status: "waiting", deps_completed: 1 });
    expect(await getStep(stack, run, "next")).not.toHaveProperty("started_at");
    await steerRun(run, "resume");
    await opens(stack, run, "next");
  });

  test("ten times at once: one is answered 200, nine 400, and the run goes on", async () => {
    const run = await atGate();
    const answers = await Promise.all(Array.from({ length: 10 }, () => steer(run, "gate", "approve")));
    const losers = answers.filter(({ status }) => status !== 200);
    expect(losers).toHaveLength(9);
    for (const loser of losers)
      refused(
        loser,
        400,
        "invalid_state",
        /^(step gate is already in terminal state|approval for step gate is already)/,
      );
    expect(await opens(stack, run, "next")).toMatchObject({ deps_completed: 1, deps_required: 1 });
  });
});

describe("rejecting", () => {
  test("fails the gate in the approver's name, and its on_failure applies", async () => {
    const run = await atGate();
    const bob = stack.token({ sub: "bob" });
    refused(
      await steer(run, "gate", "reject", {}, bob),
      400,
      "approver_not_allowed",
      "approver bob is not allowed for step gate",
    );
    const { step_run, approval } = answered(await steer(run, "gate", "reject", { reason: "no" }), 200, gateAnswer);
    expect(step_run).toMatchObject({ status: "failed", error: "approval rejected by ada: no" });
    expect(approval).toMatchObject({ status: "rejected", approved_by: "ada", error: "no" });
    expect((await reaches(stack, run, "failed")).error).toBe("approval rejected by ada: no");
    expect((await getStep(stack, run, "next")).status).toBe("canceled");
  });
});

describe("skipping", () => {
  test("skips a gate, overrides its approval and lets what waits for it run", async () => {
    const run = await atGate();
    const { step_run } = answered(await steer(run, "gate", "skip", { reason: "not needed" }), 200, stepAnswer);
    expect(step_run).toMatchObject({ step_ref: "gate", status: "skipped", error: "not needed", attempt: 1 });
    expect(step_run.finished_at).toBeDefined();
    expect(await getStep(stack, run, "gate")).toEqual(step_run);
    expect(await gateStatus(step_run)).toBe("overridden");
    await opens(stack, run, "next");
  });

  test("needs no reason and no body", async () => {
    for (const body of [undefined, "", {}, { reason: null }]) {
      const { step_run } = answered(await steer(await atGate(), "gate", "skip", body), 200, stepAnswer);
      expect(step_run).not.toHaveProperty("error");
    }
  });

  test("takes away the wait of an event step: its key is nobody's any more", async () => {
    const run = await runOf(stack, [wait("paid", "skipped-key"), gate("gate")]);
    await opens(stack, run, "paid");
    answered(await steer(run, "paid", "skip"), 200, stepAnswer);
    const sent = await stack.request("POST", "/v1/events/skipped-key/send");
    refused(sent, 409, "conflict", "event trigger is not in waiting state");
  });

  test("of the last open step completes the run, and the list shows it", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    answered(await steer(run, "gate", "skip"), 200, stepAnswer);
    expect((await listed(stack, run))?.status).toBe("completed");
  });

  test("of a step that is not pending or waiting is refused", async () => {
    const run = await atGate();
    await steer(run, "gate", "skip");
    refused(await steer(run, "gate", "skip"), 400, "invalid_state", "cannot skip step in skipped status");
    await cancel(run);
    refused(await steer(run, "next", "skip"), 400, "invalid_state", "cannot skip step in canceled status");
    const { run: busy, answer } = await runOfSlowStep("/no-skip");
    refused(await steer(busy, "slow", "skip"), 400, "invalid_state", "cannot skip step in running status");
    answer();
    await reaches(stack, busy, "completed");
    refused(await steer(busy, "slow", "skip"), 400, "invalid_state", "cannot skip step in completed status");
  });
});

describe("force-completing", () => {
  test("completes a gate with the result as its output, and overrides its approval", async () => {
    const run = await atGate();
    const answer = await steer(run, "gate", "force-complete", { result: { forced: true } });
    const { step_run } = answered(answer, 200, stepAnswer);
    expect(step_run).toMatchObject({ status: "completed", output: { forced: true }, deps_required: 0 });
    expect(await getStep(stack, run, "gate")).toEqual(step_run);
    expect(await gateStatus(step_run)).toBe("overridden");
    await opens(stack, run, "next");
  });

  test.each([
    ["1", "1"],
    ['"text"', '"text"'],
    ["[1, null]", "[1,null]"],
    ["false", "false"],
    ["12345678901234567890", "12345678901234567890"],
    [`"${"long ".repeat(50_000)}"`, `"${"long ".repeat(50_000)}"`],
  ])("takes any JSON as the result, and shows it unchanged: %.40s", async (result, shown) => {
    const run = await atGate();
    const answer = await fetch(`${stack.apiUrl}/v1/workflow-runs/${run.id}/steps/gate/force-complete`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.token()}` },
      body: `{"result": ${result}}`,
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain(`"output":${shown}`);
  });

  test("needs no result and no body", async () => {
    for (const body of [undefined, "", {}, { result: null }]) {
      const { step_run } = answered(await steer(await atGate(), "gate", "force-complete", body), 200, stepAnswer);
      expect(step_run).not.toHaveProperty("output");
    }
  });

  test("ends a step early that has not started, and with it the run", async () => {
    const run = await atGate();
    const { step_run } = answered(await steer(run, "next", "force-complete", { result: 1 }), 200, stepAnswer);
    expect(step_run).toMatchObject({ status: "completed", deps_completed: 0, deps_required: 1 });
    expect(step_run).not.toHaveProperty("started_at");
    answered(await steer(run, "gate", "force-complete"), 200, stepAnswer);
    expect((await listed(stack, run))?.status).toBe("completed");
  });

  test("of a step that is not pending or waiting is refused", async () => {
    const run = await atGate();
    await steer(run, "gate", "force-complete");
    const message = (status: string) => `cannot force-complete step in ${status} status`;
    refused(await steer(run, "gate", "force-complete"), 400, "invalid_state", message("completed"));
    await cancel(run);
    refused(await steer(run, "next", "force-complete"), 400, "invalid_state", message("canceled"));
    const { run: busy, answer } = await runOfSlowStep("/no-force");
    refused(await steer(busy, "slow", "force-complete"), 400, "invalid_state", message("running"));
    answer();
  });
});

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
    await steerRun(run, "pause");
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
    await steerRun(run, "pause");
    expect(answered(await steer(run, "gate", "replay-subtree"), 200, resetAnswer)).toEqual({ reset_steps: 2 });
    expect((await listed(stack, run))?.status).toBe("running");
    expect(await opens(stack, run, "gate")).toMatchObject({ attempt: 2 });
  });

  test("of a running run's step that has not ended is refused", async () => {
    const answer = await steer(await atGate(), "gate", "replay-subtree");
    refused(answer, 400, "invalid_state", "step run must be terminal to replay");
  });
});
