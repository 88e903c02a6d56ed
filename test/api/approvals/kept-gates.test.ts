import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { refused } from "../shapes.ts";

let stack: Stack;
let on: ReturnType<typeof scenarioOn>;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
  stack.jobs.on("/fails", () => ({ status: 422 }));
});
afterAll(() => stack.stop());

const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "bob"] };

/** A run that has failed behind its gate, and its workflow with another one in the newest version. */
async function failedBehind(gate: object, other: object) {
  const after = { step_ref: "after", job_id: await on.job("/fails"), depends_on: ["gate"] };
  const workflow = await on.workflow([{ ...GATE, ...gate }, after]);
  const run = await on.trigger(workflow);
  await on.opens(run, "gate");
  const change = async () => {
    const steps = [{ ...GATE, ...other }, after];
    expect((await stack.request("PATCH", `/v1/workflows/${workflow.id}`, { steps })).status).toBe(200);
  };
  return { run, change };
}

test.each([
  [{ approval_approvers: ["ada", "carl"] }, "other approvers"],
  [{ approvals_required: 2 }, "other approvers"],
  [{ approval_exclude: ["previous_approvers"] }, "other approvers"],
  [{ approval_options: ["ship"] }, "other options"],
  [{ approval_form: { type: "object" } }, "another form"],
])("a gate that was approved does not count in a version where it is one with %j", async (other, fault) => {
  const { run, change } = await failedBehind({}, other);
  await on.steer(run, "approve", "gate");
  expect((await on.ends(run)).status).toBe("failed");
  await change();
  const details = (status: string) => [`step "gate" ${status}, and has ${fault}`];
  const body = { version: "latest" };
  const step = refused(await on.steer(run, "retry", "after", body), 409, "conflict", /cannot go on in version 2/);
  expect(step.details).toEqual(details("is completed"));
  const whole = refused(
    await on.steer(run, "retry", undefined, body),
    409,
    "conflict",
    /cannot be retried in version 2/,
  );
  expect(whole.details).toEqual(details("has completed"));
  // It is asked again: whoever decides it there has seen that.
  const root = { token: stack.token({ sub: "root" }) };
  expect((await on.steer(run, "replay-subtree", "gate", body, root)).status).toBe(200);
  await on.cancel(run);
});

test("nor does one that let pass by its timeout, where that fails it", async () => {
  const timing = { approval_timeout_secs: 1, approval_on_timeout: "approve" };
  const { run, change } = await failedBehind(timing, { ...timing, approval_on_timeout: "fail" });
  expect((await on.ends(run)).status).toBe("failed");
  await change();
  const answer = refused(await on.steer(run, "retry", undefined, { version: "latest" }), 409, "conflict", /./);
  expect(answer.details).toEqual(['step "gate" has completed, and has another approval_on_timeout']);
});
