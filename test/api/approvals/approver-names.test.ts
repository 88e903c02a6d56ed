import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { commandSignals } from "../../../workflows/messages.ts";
import { decidingOn } from "./deciding.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";
import { refused } from "../shapes.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { as, say, shownOf } = decidingOn(
  () => stack,
  () => on,
);

async function started(more: object): Promise<WorkflowRun> {
  const steps = [{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "bob", "cleo"], ...more }];
  const run = await on.start(steps);
  await on.opens(run, "gate");
  return run;
}

describe("approvers", () => {
  test.each(["  ", " ada", "ada "])("are not called %j", async (name) => {
    const words = /must not begin or end with a space/;
    const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["bob"] };
    const escalation = [{ after_secs: 60, approvers: [name] }];
    for (const more of [{ approval_approvers: [name] }, { approval_escalation: escalation }]) {
      const body = { name: "names", slug: `names-${Date.now()}`, steps: [{ ...gate, ...more }] };
      const { details } = refused(await stack.request("POST", "/v1/workflows", body), 400, "validation_error", /./);
      expect(details?.join()).toMatch(words);
    }
    const run = await started({});
    const { details } = refused(await say(run, "reassign", "ada", { approvers: [name] }), 400, "validation_error", /./);
    expect(details?.join()).toMatch(words);
  });

  test("are handed on by hand for a reason that is no longer than the API's", async () => {
    const run = await started({});
    const handle = stack.deps.temporal.workflow.getHandle(run.id);
    const signal = { actor: "ada", step_ref: "gate", approvers: ["bob"], reason: "x".repeat(10_000) };
    await handle.signal(commandSignals.reassign, signal);
    const reassigned = await until(async () => (await shownOf(run)).reassignments?.[0]);
    expect(reassigned.reason).toBe("x".repeat(4_096));
  });
});

describe("a form", () => {
  test("is not held against the values of who is no approver", async () => {
    const run = await started({
      approval_form: { properties: { amount: { type: "integer" } } },
      approval_approvers: ["ada", "group:leads"],
    });
    const [values, step] = [{ amount: "many" }, `/v1/workflow-runs/${run.id}/steps/gate/approve`];
    for (const [path, body] of [
      [step, { values }],
      [`${step}?dryRun=true`, { values }],
      [`/v1/events/approval:${run.id}:gate/send`, { payload: values }],
    ] as const)
      refused(await stack.request("POST", path, body, as("eve")), 400, "approver_not_allowed", /eve is not allowed/);
    const lead = as("eve", ["leads"]);
    refused(await stack.request("POST", step, { values }, lead), 400, "validation_error", /amount must be integer/);
    expect((await stack.request("POST", step, { values: { amount: 2 } }, lead)).status).toBe(200);
  });
});
