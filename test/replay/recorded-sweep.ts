import { expect, test } from "vitest";
import { record } from "./recording.ts";
import { makeOld } from "../retention/aged.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { TASK_QUEUE } from "../../workflows/messages.ts";
import { type Sweep, SWEEP_WORKFLOW_TYPE } from "../../workflows/retention/messages.ts";

test("a sweep of retention", async () => {
  const stack = await startStack();
  const on = scenarioOn(stack);
  const run = await on.start([{ step_ref: "a", calls: "/a" }]);
  await on.ends(run);
  await makeOld(stack.deps, run);
  const sweep: Sweep = { retention: "*=90d" };
  const options = { workflowId: "sweep", taskQueue: TASK_QUEUE, args: [sweep] };
  const { temporal } = stack.deps;
  expect(await temporal.workflow.execute(SWEEP_WORKFLOW_TYPE, options)).toEqual({ deleted: 1 });
  await record(stack.deps, { id: "sweep" }, "retention-sweep");
  await stack.stop();
});
