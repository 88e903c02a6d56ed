import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, getRun, getStep, listed, opens, reaches, runOf, work } from "../definitions.ts";
import { answered, gateAnswer, refused } from "../shapes.ts";
import { runsOn } from "../runs/steered.ts";
import { stepsOn } from "./steered.ts";
import { type Answered, type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { steer, atGate } = stepsOn(() => stack);
const { cancel, pause, resume, runOfSlowStep } = runsOn(() => stack);

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
    await pause(run);
    answered(await steer(run, "gate", "approve"), 200, gateAnswer);
    expect((await getRun(stack, run)).status).toBe("paused");
    expect(await getStep(stack, run, "next")).toMatchObject({ status: "waiting", deps_completed: 1 });
    expect(await getStep(stack, run, "next")).not.toHaveProperty("started_at");
    await resume(run);
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

describe("whatever ends a gate", () => {
  test("at once with all else that could, does so alone, and the others are told", async () => {
    for (let round = 0; round < 3; round++) {
      const run = await atGate();
      const event = `/v1/events/approval:${run.id}:gate`;
      const ways: [status: string, Promise<Answered<unknown>>][] = [
        ["completed", steer(run, "gate", "approve")],
        ["failed", steer(run, "gate", "reject")],
        ["skipped", steer(run, "gate", "skip")],
        ["completed", steer(run, "gate", "force-complete")],
        ["completed", stack.request("POST", `${event}/send`)],
        ["failed", stack.request("DELETE", event)],
        ["canceled", stack.request("DELETE", `/v1/workflow-runs/${run.id}`)],
      ];
      const told = await Promise.all(ways.map(async ([status, asked]) => ({ status, answer: await asked })));
      const won = told.filter(({ answer }) => answer.status === 200);
      // A cancel also ends a run whose gate somebody else has decided a moment before.
      const decided = won.length === 1 ? won : won.filter(({ status }) => status !== "canceled");
      expect(decided).toHaveLength(1);
      expect((await getStep(stack, run, "gate")).status).toBe(decided[0]?.status);
      for (const { answer } of told) if (answer.status !== 200) expect([400, 409]).toContain(answer.status);
    }
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
