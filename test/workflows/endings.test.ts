import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTrigger } from "../../src/contract/events/event-trigger.ts";
import type { JobRun } from "../../src/contract/jobs/runs.ts";
import type { Approval, StepRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/fails", () => ({ status: 422, body: "broken" }));
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

describe.concurrent("what ends a step", () => {
  test("is either its approval or its timeout, never both, whoever is a moment earlier", async () => {
    const race = async () => {
      const run = await on.start([{ ...GATE, approval_timeout_secs: 1 }]);
      const { started_at = "" } = await on.opens(run, "gate");
      await until(() => Date.now() >= Date.parse(started_at) + 985, { everyMs: 1 });
      const { status, body } = await on.steer<{ error?: string; approval?: Approval }>(run, "approve", "gate");
      const ended = await on.ends(run);
      if (status === 200) {
        expect(body.approval).toMatchObject({ status: "approved", approved_by: "ada" });
        expect(ended).toMatchObject({ status: "completed" });
      } else {
        expect({ status, error: body.error }).toEqual({ status: 400, error: "step gate is already in terminal state" });
        expect(ended).toMatchObject({ status: "failed", error: "approval timed out" });
      }
    };
    await Promise.all([1, 2, 3, 4, 5].map(race));
  });

  test("stays ended: what would have expired later changes nothing of a canceled run", async () => {
    const run = await on.start([
      { ...GATE, approval_timeout_secs: 5 },
      { step_ref: "wait", step_type: "wait_for_event", event_key: "late", event_timeout_secs: 5 },
    ]);
    await on.opens(run, "gate");
    await on.cancel(run);
    const canceled = await on.steps(run);
    // Another run that begins now and lasts longer than those.
    await on.ends(await on.start([{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 6 }]));

    expect(await on.steps(run)).toEqual(canceled);
    expect(await on.run(run)).toMatchObject({ status: "canceled" });
    expect(await on.steer(run, "approve", "gate")).toMatchObject({ status: 400 });
  });
});

describe.concurrent("a step that fails the workflow", () => {
  test("ends all that was begun: calls, waits, gates and children", async () => {
    stack.jobs.hold("/endless");
    const child = await on.workflow([GATE]);
    const run = await on.start([
      { step_ref: "call", calls: "/endless" },
      { step_ref: "event", step_type: "wait_for_event", event_key: "left-behind" },
      { step_ref: "child", step_type: "sub_workflow", sub_workflow_id: child.id },
      GATE,
      { step_ref: "trigger", step_type: "wait_for_event", event_key: "go-and-fail" },
      { step_ref: "fatal", calls: "/fails", depends_on: ["trigger"] },
    ]);
    const childRun = await on.onlyRunOf(child, "gate");
    await until(() => stack.jobs.callsTo("/endless").length === 1);
    const { job_run_id } = await on.opens(run, "call", "running");
    await on.sends("go-and-fail");

    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "endpoint returned 422: broken" });
    expect(await on.statuses(run)).toMatchObject({
      call: "canceled",
      event: "canceled",
      child: "canceled",
      gate: "canceled",
    });
    expect(await on.ends(childRun)).toMatchObject({ status: "canceled" });
    await until(async () => (await stack.request<JobRun>("GET", `/v1/runs/${job_run_id}`)).body.status === "canceled");
    expect([404, 409]).toContain((await on.send("left-behind")).status);
    // The key is nobody's: the next run can wait for it.
    const next = await on.start([{ step_ref: "event", step_type: "wait_for_event", event_key: "left-behind" }]);
    await on.sends("left-behind");
    expect(await on.ends(next)).toMatchObject({ status: "completed" });
  });

  test("ends a paused run too, which does not stay paused or begin again", async () => {
    const release = stack.jobs.hold("/fails-in-pause");
    const run = await on.start([{ step_ref: "call", calls: "/fails-in-pause" }, GATE]);
    await until(() => stack.jobs.callsTo("/fails-in-pause").length === 1);
    expect(await on.steer(run, "pause")).toMatchObject({ status: 200, body: { status: "paused" } });
    release({ status: 422 });

    expect(await on.ends(run)).toMatchObject({ status: "failed" });
    expect(await on.steer(run, "resume")).toMatchObject({ status: 400, body: { error: "workflow run is not paused" } });
  });
});

describe.concurrent("an event key", () => {
  test("that another run waits for fails the second run's step, and leaves the first as it was", async () => {
    const wait = { step_ref: "wait", step_type: "wait_for_event", event_key: "order:{{id}}" };
    const workflow = await on.workflow([wait]);
    const first = await on.trigger(workflow, { payload: { id: 7 } });
    await on.opens(first, "wait");
    await until(
      async () => (await stack.deps.db.query("select from event_triggers where event_key = 'order:7'")).rowCount,
    );
    const second = await on.trigger(workflow, { payload: { id: 7 } });

    expect(await on.ends(second)).toMatchObject({
      status: "failed",
      error: /^event key "order:7" is already waited for/,
    });
    expect(await on.step(first, "wait")).toMatchObject({ status: "waiting" });
    const sent = await stack.request<EventTrigger>("POST", "/v1/events/order:7/send");
    expect(sent).toMatchObject({ status: 200, body: { workflow_run_id: first.id } });
    expect(await on.ends(first)).toMatchObject({ status: "completed" });
    // Used is not taken.
    const third = await on.trigger(workflow, { payload: { id: 7 } });
    await until(async () => ((await on.send("order:7", "again")).body as EventTrigger).workflow_run_id === third.id);
    const step: StepRun = await until(async () => (await on.ends(third)) && on.step(third, "wait"));
    expect(step).toMatchObject({ status: "completed", output: "again" });
  });
});
