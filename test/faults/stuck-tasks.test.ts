import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Connection } from "@temporalio/client";
import { TASK_QUEUE } from "../../workflows/messages.ts";
import { endsOn } from "./ended.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { event, GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const { cancel, endOf } = endsOn(
  () => stack,
  () => on,
);

/** A worker that gets no workflow task done, in place of the stack's own until `meanwhile` is over. */
async function withBrokenWorker(does: "fails" | "hangs", meanwhile: () => Promise<void>): Promise<void> {
  await stack.stopWorker();
  const { temporalAddress: address, temporalNamespace: namespace } = stack.config;
  const connection = await Connection.connect({ address });
  const { workflowService } = connection;
  const taskQueue = { name: TASK_QUEUE };
  let isOver = false;
  const polls = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const poll = () => workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: "broken" });
      const task = await connection.withDeadline(Date.now() + 3_000, poll).catch(() => undefined);
      const { taskToken } = task ?? {};
      if (!taskToken?.length || does === "hangs") continue;
      await workflowService
        .respondWorkflowTaskFailed({ namespace, taskToken, cause: 24, identity: "broken" })
        .catch(() => undefined);
    }
  });
  try {
    await meanwhile();
  } finally {
    isOver = true;
    await Promise.all(polls);
    await connection.close();
    await stack.startWorker();
  }
}

/** The run is given something to do, which its worker does not get done. */
async function sticks(run: { id: string }, failures: number): Promise<void> {
  await stack.deps.temporal.workflow.getHandle(run.id).signal("resume", {});
  const isStuck = async () => {
    const { raw } = await stack.deps.temporal.workflow.getHandle(run.id).describe();
    return (raw.pendingWorkflowTask?.attempt ?? 0) > failures;
  };
  await until(isStuck);
}

describe("a run whose workflow task", () => {
  test.each(["fails", "hangs"] as const)(
    "%s again and again is terminated by DELETE, with what it holds",
    async (does) => {
      const child = await on.workflow([GATE]);
      const sub = { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id };
      const workflow = await on.workflow([GATE, event(`key-${does}`), sub], { max_concurrent_runs: 1 });
      const run = await on.trigger(workflow);
      const inner = await until(async () => (await on.runsOf(child))[0]);
      await Promise.all([on.opens(run, "gate"), on.opens(run, "event"), on.opens(inner, "gate")]);

      await withBrokenWorker(does, async () => {
        await sticks(run, does === "fails" ? 2 : 3);
        const error = "terminated: its workflow task kept failing";
        if (does === "fails") {
          expect(await cancel(run)).toMatchObject({ status: 200, body: { status: "canceled", error } });
          expect(await endOf(inner)).toMatchObject({
            run: "canceled",
            listed: "canceled",
            steps: { gate: "canceled" },
          });
        } else {
          // The sub-workflow hangs too, and is heard of no more: it is told, and ends with the next worker.
          expect((await cancel(run)).status).toBe(202);
        }
        expect(await on.run(run)).toMatchObject({ status: "canceled", error });
        expect(await endOf(run)).toEqual({
          run: "canceled",
          listed: "canceled",
          steps: { gate: "canceled", event: "canceled", sub: "canceled" },
        });
        expect((await cancel(run)).status).toBe(400);
      });
      expect(await on.ends(inner)).toMatchObject({ status: "canceled" });
      const next = await on.trigger(workflow);
      await on.opens(next, "event");
      await on.cancel(next);
    },
    120_000,
  );

  test("fails is ended as its parent's step, which its parent hears, and Temporal is told why", async () => {
    const child = await on.workflow([GATE]);
    const run = await on.start([{ step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id }]);
    const inner = await on.onlyRunOf(child, "gate");
    const reason = `${"long ".repeat(800)}story`;
    const why = `its workflow task kept failing: ${reason}`;
    await withBrokenWorker("fails", async () => {
      await sticks(inner, 3);
      const path = `/v1/workflow-runs/${inner.id}?reason=${encodeURIComponent(reason)}`;
      const error = `terminated: ${why}`;
      expect(await stack.request("DELETE", path)).toMatchObject({ status: 200, body: { status: "canceled", error } });
    });
    const { events } = await stack.deps.temporal.workflow.getHandle(inner.id).fetchHistory();
    expect(events?.at(-1)?.workflowExecutionTerminatedEventAttributes?.reason).toBe(why);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: /^terminated: / });
  });
});
