import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createWorkflow, gate, getStep, ok, opens, type Step, trigger, wait } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const OPERATOR = ["workflows:read", "workflows:write"];
const as = (sub: string, ...more: string[]) => ({ token: stack.token({ sub, scopes: [...OPERATOR, ...more] }) });
const BOSS = gate("boss", { approval_approvers: ["boss"] });
const NAP = { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 600 };

const sub = async (steps: Step[], on_failure?: string): Promise<Step> => {
  const { id } = await createWorkflow(stack, steps);
  return { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: id, on_failure };
};
/** The run of the workflow that a step runs, once the step of that which is named has begun. */
async function runWithin({ sub_workflow_id }: Step, ref: string): Promise<WorkflowRun> {
  const path = `/v1/workflow-runs?workflow_id=${sub_workflow_id}`;
  const run = await until(async () => (await ok<WorkflowRun[]>(stack, "GET", path))[0]);
  await until(async () => (await getStep(stack, run, ref)).started_at);
  return run;
}
async function begun(steps: Step[]): Promise<WorkflowRun> {
  const after = { ...NAP, step_ref: "after", depends_on: ["sub"] };
  return trigger(stack, await createWorkflow(stack, [...steps, after]));
}
const cancel = async ({ id }: WorkflowRun, sender: object, query = "") =>
  (await stack.request("DELETE", `/v1/workflow-runs/${id}${query}`, undefined, sender)).status;

test("a gate in a sub-workflow is not passed by canceling that, where what comes after goes on all the same", async () => {
  const step = await sub([BOSS], "continue");
  const top = await begun([step]);
  const within = await runWithin(step, "boss");
  const eve = as("eve");
  for (const query of ["", "?dryRun=true"]) expect(await cancel(within, eve, query)).toBe(403);
  const bulk = { workflow_run_ids: [within.id] };
  expect((await stack.request("POST", "/v1/workflow-runs/bulk-cancel", bulk, eve)).body).toMatchObject({ failed: 1 });
  const many = { operation: "cancel", ids: [within.id] };
  const planned = await stack.request("POST", "/v1/bulk-operations?dryRun=true", many, eve);
  expect(planned.body).toMatchObject({ refused: [{ code: "forbidden" }] });
  const { id } = (await stack.request<{ id: string }>("POST", "/v1/bulk-operations", many, eve)).body;
  const items = async () => ok<{ status: string; code: string }[]>(stack, "GET", `/v1/bulk-operations/${id}/items`);
  expect(await until(async () => (await items()).find(({ status }) => status !== "pending"))).toMatchObject({
    code: "forbidden",
  });
  expect((await getStep(stack, top, "after")).started_at).toBeUndefined();

  expect(await cancel(within, as("boss"))).toBe(200);
  await until(async () => (await getStep(stack, top, "after")).started_at);
});

test("nor by ending what fails the run that it is in", async () => {
  const key = `key ${uuid()}`;
  const leaf = await sub([NAP]);
  const middle = await sub([BOSS, leaf, wait("paid", key)], "continue");
  await begun([middle]);
  await runWithin(middle, "boss");
  const within = await runWithin(leaf, "nap");
  expect(await cancel(within, as("eve"))).toBe(403);
  const event = `/v1/events/${encodeURIComponent(key)}`;
  for (const query of ["", "?dryRun=true"])
    expect((await stack.request("DELETE", `${event}${query}`, undefined, as("eve"))).status).toBe(403);
  expect(await cancel(within, as("root", "approvals:override"))).toBe(200);
});

test("whoever may cancel ends a sub-workflow that holds no gate back any more, or after which nothing goes on", async () => {
  const decided = await sub([BOSS, { ...NAP, depends_on: ["boss"] }], "continue");
  await begun([decided]);
  const within = await runWithin(decided, "boss");
  await opens(stack, within, "boss");
  await ok(stack, "POST", `/v1/workflow-runs/${within.id}/steps/boss/approve`, {}, as("boss"));
  await runWithin(decided, "nap");
  expect(await cancel(within, as("eve"))).toBe(200);
  for (const on_failure of ["fail_workflow", "skip_dependents"]) {
    const failing = await sub([BOSS], on_failure);
    await begun([failing]);
    expect(await cancel(await runWithin(failing, "boss"), as("eve"))).toBe(200);
  }
});

test("a gate in a sub-workflow is not passed by a payload for which it asks nobody", async () => {
  const asked = { condition: { type: "gt", left: { ref: "payload.amount" }, right: 100 } };
  for (const [boss, status] of [
    [{ ...BOSS, ...asked }, 403],
    [BOSS, 200],
  ] as const) {
    const key = `key ${uuid()}`;
    const steps = [wait("first", key), { ...(await sub([boss])), depends_on: ["first"] }];
    const run = await trigger(stack, await createWorkflow(stack, steps), { payload: { amount: 500 } });
    await opens(stack, run, "first");
    await ok(stack, "DELETE", `/v1/events/${encodeURIComponent(key)}`);
    const path = `/v1/workflow-runs/${run.id}/steps/first/retry`;
    const retried = await stack.request("POST", path, { payload: { amount: 1 } }, as("eve"));
    expect(retried.status).toBe(status);
  }
});
