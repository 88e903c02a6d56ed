import { setTimeout as pauseFor } from "node:timers/promises";
import { test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { chainsUnderWay, expectLane, LANES } from "../../stack/chains.ts";
import { compareEndpointLog } from "../../stack/endpoint-log.ts";
import { startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

test.for(LANES)(
  "runs of the $lane lane, in the middle of every type of step, go on with the next worker",
  async (lane, { expect, onTestFinished }) => {
    const stack = await startStack();
    onTestFinished(() => stack.stop());
    const on = scenarioOn(stack);
    stack.jobs.on("/after", async () => {
      await pauseFor(lane.answersAfterMs);
      return { body: { after: true } };
    });
    stack.jobs.on("/flaky", (_, nth) => ({ status: nth === 1 ? 500 : 200 }));
    stack.jobs.on("/long", (_, nth) => (nth === 1 ? new Promise(() => {}) : { body: { nth } }));
    const then = (ref: string) => ({ step_ref: "after", calls: "/after", depends_on: [ref] });
    const child = await on.workflow([{ step_ref: "inner", step_type: "approval", approval_approvers: ["ada"] }]);
    const runs = {
      approval: await on.start([
        { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] },
        then("gate"),
      ]),
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

    const chains = await chainsUnderWay(stack, on, lane);

    const stoppedAt = Date.now();
    await stack.stopWorker();
    await stack.startWorker();

    // 202 where the worker, which has just begun, takes its time.
    expect([200, 202]).toContain((await on.steer(runs.approval, "approve", "gate")).status);
    expect([200, 202]).toContain((await on.steer(childRun, "approve", "inner")).status);
    await on.sends("paid", { amount: 1 });
    const ended = Object.entries(runs).map(async ([type, run]) => [type, (await on.ends(run)).status]);
    expect(Object.fromEntries(await Promise.all(ended))).toEqual({
      approval: "completed",
      event: "completed",
      sleep: "completed",
      subWorkflow: "completed",
      retryWait: "completed",
      call: "completed",
    });
    expect(stack.jobs.callsTo("/after")).toHaveLength(6);
    for (const run of chains) expect(await on.ends(run)).toMatchObject({ status: "completed" });
    await expectLane(lane, stack, chains);
    // A shutdown is nobody's failure: the call that was not over in time is made again, and no other.
    expect(await compareEndpointLog(stack, [stoppedAt])).toEqual([stack.jobs.callsTo("/long")[1]]);
    expect(await on.step(runs.call, "long")).toMatchObject({ attempt: 1 });
    expect(await on.step(runs.retryWait, "flaky")).toMatchObject({ attempt: 2 });
  },
);

test("a call that has just begun when its worker is stopped is not made again", async ({ expect, onTestFinished }) => {
  const stack = await startStack();
  onTestFinished(() => stack.stop());
  const on = scenarioOn(stack);
  stack.jobs.on("/slow", async (_, nth) => {
    await pauseFor(2_000);
    return { body: { nth } };
  });
  const workflow = await on.workflow([{ step_ref: "slow", calls: "/slow" }]);
  const runs = await Promise.all(Array.from({ length: 20 }, () => on.trigger(workflow)));
  await until(() => stack.jobs.callsTo("/slow").length === runs.length);

  await stack.stopWorker();
  await stack.startWorker();

  for (const run of runs) expect(await on.ends(run)).toMatchObject({ status: "completed" });
  expect(await compareEndpointLog(stack)).toEqual([]);
});
