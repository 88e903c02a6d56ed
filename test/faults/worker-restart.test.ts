import { afterAll, beforeAll, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

async function restartWorker(): Promise<void> {
  await stack.stopWorker();
  await stack.startWorker();
}

test("runs in the middle of every type of step go on with the next worker", async () => {
  stack.jobs.on("/after", () => ({ body: { after: true } }));
  stack.jobs.on("/flaky", (_, nth) => ({ status: nth === 1 ? 500 : 200 }));
  stack.jobs.on("/long", (_, nth) => (nth === 1 ? new Promise(() => {}) : { body: { nth } }));
  const then = (ref: string) => ({ step_ref: "after", calls: "/after", depends_on: [ref] });
  const child = await on.workflow([{ step_ref: "inner", step_type: "approval", approval_approvers: ["ada"] }]);
  const runs = {
    approval: await on.start([{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }, then("gate")]),
    event: await on.start([{ step_ref: "wait", step_type: "wait_for_event", event_key: "paid" }, then("wait")]),
    sleep: await on.start([{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 3 }, then("nap")]),
    subWorkflow: await on.start([
      { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id },
      then("sub"),
    ]),
    retryWait: await on.start([
      {
        step_ref: "flaky",
        calls: "/flaky",
        retry_max_attempts: 2,
        retry_backoff: "fixed",
        retry_initial_delay_secs: 3,
      },
      then("flaky"),
    ]),
    call: await on.start([{ step_ref: "long", calls: "/long" }, then("long")]),
  };
  const childRun = await until(async () => {
    const { body } = await stack.request<WorkflowRun[]>("GET", "/v1/workflow-runs");
    return body.find(({ workflow_id }) => workflow_id === child.id);
  });
  await Promise.all([
    on.opens(runs.approval, "gate"),
    on.opens(runs.event, "wait"),
    on.opens(runs.sleep, "nap"),
    on.opens(childRun, "inner"),
    until(() => stack.jobs.callsTo("/flaky").length === 1),
    until(() => stack.jobs.callsTo("/long").length === 1),
  ]);
  const { call: _, ...waiting } = runs;
  await Promise.all([...Object.values(waiting), childRun].map(on.rests));

  await restartWorker();

  expect(await on.steer(runs.approval, "approve", "gate")).toMatchObject({ status: 200 });
  expect(await on.steer(childRun, "approve", "inner")).toMatchObject({ status: 200 });
  await on.sends("paid", { amount: 1 });
  const ended = Object.entries(runs).map(async ([type, run]) => [type, (await on.ends(run, 30_000)).status]);
  expect(Object.fromEntries(await Promise.all(ended))).toEqual({
    approval: "completed",
    event: "completed",
    sleep: "completed",
    subWorkflow: "completed",
    retryWait: "completed",
    call: "completed",
  });
  expect(stack.jobs.callsTo("/after")).toHaveLength(6);
  expect(stack.jobs.callsTo("/flaky").map(({ headers }) => headers["x-attempt"])).toEqual(["1", "2"]);
  // The same attempt again: a shutdown is nobody's failure.
  const long = stack.jobs.callsTo("/long").map(({ headers }) => [headers["x-run-id"], headers["x-attempt"]]);
  expect(long).toEqual([long[0], long[0]]);
  expect(await on.step(runs.call, "long")).toMatchObject({ attempt: 1, output: { nth: 2 } });
});
