import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import { simulatingOn, stepOf } from "./simulating.ts";
import { createJob, createWorkflow, gate, work } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack, "/work", { max_attempts: 3, timeout_secs: 60 });
});
afterAll(() => stack.stop());

const { post, simulated } = simulatingOn(() => stack);

describe("in a simulated run, a gate", () => {
  test("has a gate's option chosen and its form filled in, by whom its references lead to", async () => {
    const form = { type: "object", properties: { n: { type: "integer" } } };
    const branch = {
      depends_on: ["chosen"],
      condition: { type: "eq", left: { ref: "outputs.chosen.option" }, right: "b" },
    };
    const steps = [
      gate("first", { approval_options: ["a", "b"], approval_approvers: ["{{payload.boss}}"] }),
      gate("chosen", { approval_options: ["a", "b"], approval_form: form }),
      gate("filled", { approval_form: form }),
      gate("nobody", { approval_title: "{{payload.gone}}", on_failure: "continue" }),
      work("then", job, branch),
    ];
    const answer = await simulated(steps, {
      payload: { boss: "bob" },
      outcomes: { chosen: { option: "b", values: { n: 1 }, by: "ada" }, filled: { values: { n: 2 } } },
    });
    expect(stepOf(answer, "first")?.output).toEqual({ option: "a", by: "bob" });
    expect(stepOf(answer, "chosen")?.output).toEqual({ option: "b", by: "ada", values: { n: 1 } });
    expect(stepOf(answer, "filled")?.output).toEqual({ n: 2 });
    expect(stepOf(answer, "nobody")).toMatchObject({ status: "failed", error: "payload.gone has no value" });
    expect(stepOf(answer, "then")?.status).toBe("completed");
    const made = await createWorkflow(stack, steps);
    for (const [outcome, problem] of [
      [{ option: "c" }, "outcomes.chosen.option: not one of a, b"],
      [{ option: "a", decision: "reject" }, "outcomes.chosen.option: has no effect with a rejection"],
      [{ values: { n: "x" } }, "outcomes.chosen.values.n must be integer"],
    ] as const)
      expect((await post(made, { payload: { boss: "b" }, outcomes: { chosen: outcome } })).body).toMatchObject({
        details: [problem],
      });
  });

  test("has a gate of several voted on by those who may, or stay open", async () => {
    const several = { approval_approvers: ["ada", "bob", "group:ops"], approvals_required: 2, on_failure: "continue" };
    const answer = await simulated(
      [
        gate("two", several),
        gate("majority", { ...several, approval_reject: "majority" }),
        gate("in time", { ...several, step_ref: "in-time", approval_timeout_secs: 9, approval_on_timeout: "approve" }),
        gate("four-eyes", { approval_exclude: ["created_by"], depends_on: ["two"] }),
      ],
      { outcomes: { majority: { decision: "reject", by: "carl" }, "in-time": { times_out: true } } },
    );
    expect(stepOf(answer, "two")).toMatchObject({ status: "completed", assumed: true });
    expect(stepOf(answer, "majority")?.error).toBe("approval rejected by ada");
    expect(stepOf(answer, "in-time")).toMatchObject({ status: "completed", duration_ms: 9_000 });
    // Ada, who would start the run, is its only approver.
    expect(stepOf(answer, "four-eyes")).toMatchObject({ status: "waiting" });
    expect(answer.status).toBe("running");
    expect(answer).not.toHaveProperty("finished_at");
  });
});
