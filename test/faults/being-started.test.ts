import { setTimeout as sleep } from "node:timers/promises";
import { defaultPayloadConverter } from "@temporalio/common";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** A run that is stored and not started yet, as a sub-workflow is for a moment, or one that is reopened. `start` starts it. */
async function storedRun() {
  const run = await on.start([GATE]);
  await on.opens(run, "gate");
  const { workflow, workflowService } = stack.deps.temporal;
  const { events } = await workflow.getHandle(run.id).fetchHistory();
  const { input, workflowType, taskQueue } = events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  const args = (input?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
  const workflowExecution = { workflowId: run.id };
  await workflowService.deleteWorkflowExecution({ namespace: stack.config.temporalNamespace, workflowExecution });
  const start = () =>
    workflow.start(workflowType?.name ?? "", { workflowId: run.id, taskQueue: taskQueue?.name ?? "", args });
  return { run, start };
}

test("a command to a run that Temporal is just being told of waits until it knows it", async () => {
  const { run, start } = await storedRun();
  const paused = on.steer(run, "pause");
  // Whoever does not wait has answered by then.
  await Promise.race([paused, sleep(100)]);
  await start();
  expect(await paused).toMatchObject({ status: 200, body: { status: "paused" } });
});
