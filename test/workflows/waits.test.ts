import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTrigger } from "../../src/contract/events/event-trigger.ts";
import type { Approval, StepRun } from "../../src/contract/runs.ts";
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

type Gate = { error?: string; step_run: StepRun; approval: Approval };
const seconds = (from = "", to = "") => (Date.parse(to) - Date.parse(from)) / 1000;
const as = (sub: string) => ({ token: stack.token({ sub }) });

describe.concurrent("an approval step", () => {
  test("opens only for one of its approvers, and only then lets its dependents run", async () => {
    const run = await on.start([
      { step_ref: "gate", step_type: "approval", approval_approvers: ["ada", "grace"] },
      { step_ref: "after", calls: "/after-gate", depends_on: ["gate"] },
    ]);
    const open = await on.opens(run, "gate");

    const refused = await on.steer(run, "approve", "gate", undefined, as("mallory"));
    expect(refused).toMatchObject({ status: 400, body: { error: "approver mallory is not allowed for step gate" } });
    expect(stack.jobs.callsTo("/after-gate")).toEqual([]);
    const { status, body } = await on.steer<Gate>(run, "approve", "gate", undefined, as("grace"));
    expect(status).toBe(200);
    expect(body.step_run).toMatchObject({ status: "completed", started_at: open.started_at });
    expect(body.step_run).not.toHaveProperty("output");
    expect(body.approval).toMatchObject({ status: "approved", approved_by: "grace", requested_at: open.started_at });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(stack.jobs.callsTo("/after-gate")).toHaveLength(1);
  });

  test("fails when its time is over, and closes", async () => {
    const run = await on.start([
      { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"], approval_timeout_secs: 1 },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "approval timed out" });

    const step = await on.step(run, "gate");
    expect(step).toMatchObject({ status: "failed", error: "approval timed out" });
    expect(seconds(step.started_at, step.finished_at)).toBeGreaterThanOrEqual(1);
    expect(await on.timers(run)).toEqual([1]);
    const late = await on.steer<Gate>(run, "approve", "gate");
    expect(late).toMatchObject({ status: 400, body: { error: "step gate is already in terminal state" } });
  });

  test("waits without end when it has no timeout, or one of 0: nothing is set that could end it", async () => {
    for (const timeout of [{}, { approval_timeout_secs: 0 }, { timeout_secs: 0 }]) {
      const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"], ...timeout };
      const run = await on.start([gate]);
      await on.opens(run, "gate");

      expect(await on.timers(run)).toEqual([]);
      const event = await stack.request<EventTrigger>("GET", `/v1/events/approval:${run.id}:gate`);
      expect(event).toMatchObject({ status: 200, body: { status: "waiting", timeout_secs: 0 } });
      expect(event.body).not.toHaveProperty("expires_at");
      const { body } = await on.steer<Gate>(run, "approve", "gate");
      expect(body.approval).not.toHaveProperty("expires_at");
      await on.ends(run);
    }
  });
});

describe.concurrent("a wait_for_event step", () => {
  test("goes on with what is sent to its key, rendered from payload and outputs, with a slash or an accent in it", async () => {
    stack.jobs.on("/open-order", () => ({ body: { region: "são" } }));
    const run = await on.start(
      [
        { step_ref: "open", calls: "/open-order" },
        {
          step_ref: "paid",
          step_type: "wait_for_event",
          event_key: "paid/{{order}}/{{parent_outputs.open.region}}",
          depends_on: ["open"],
        },
        {
          step_ref: "ship",
          calls: "/ship",
          depends_on: ["paid"],
          payload: { amount: "{{parent_outputs.paid.amount}}" },
        },
      ],
      { payload: { order: 7 } },
    );
    await on.opens(run, "paid");
    const sent = await until(async () => {
      const answered = await on.send("paid/7/são", { amount: 12345678901234567890n });
      return answered.status === 200 && (answered.body as EventTrigger);
    });

    expect(sent).toMatchObject({
      event_key: "paid/7/são",
      status: "received",
      sent_by: "ada",
      workflow_run_id: run.id,
      timeout_secs: 3600,
      response_payload: { amount: 12345678901234567890n },
    });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect((await on.step(run, "paid")).output).toEqual({ amount: 12345678901234567890n });
    expect(stack.jobs.callsTo("/ship")[0]?.body).toMatchObject({ amount: 12345678901234567890n });
    expect((await on.send("paid/7/são", { amount: 12345678901234567890n })).status).toBe(200);
    expect((await on.send("paid/7/são", { amount: 2 })).status).toBe(409);
  });

  test("fails when nobody sends in time", async () => {
    const run = await on.start([
      { step_ref: "wait", step_type: "wait_for_event", event_key: "never-sent", event_timeout_secs: 1 },
    ]);
    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "event trigger timed out" });

    const step = await on.step(run, "wait");
    expect(seconds(step.started_at, step.finished_at)).toBeGreaterThanOrEqual(1);
    expect(await on.timers(run)).toEqual([1]);
    expect(await on.send("never-sent")).toMatchObject({ status: 409 });
  });

  test("has no end with a timeout of 0, by either name", async () => {
    const wait = { step_type: "wait_for_event", event_key: "some-day:{{n}}" };
    for (const [n, timeout] of [{ event_timeout_secs: 0 }, { timeout_secs: 0 }].entries()) {
      const workflow = await on.workflow([{ step_ref: "wait", ...wait, ...timeout }]);
      expect(workflow.steps).toMatchObject([{ event_timeout_secs: 0 }]);
      const run = await on.trigger(workflow, { payload: { n } });
      await on.opens(run, "wait");
      expect(await on.timers(run)).not.toContainEqual(expect.closeTo(3600, 0));
      const sent = await until(async () => {
        const answered = await on.send(`some-day:${n}`);
        return answered.status === 200 && (answered.body as EventTrigger);
      });
      expect(sent).toMatchObject({ status: "received", timeout_secs: 0 });
      expect(sent).not.toHaveProperty("expires_at");
      expect(await on.ends(run)).toMatchObject({ status: "completed" });
    }
  });

  test("goes on when a step of another run emits its key, and hands on that step's output", async () => {
    stack.jobs.on("/build", () => ({ body: { image: "shop:2" } }));
    const waiting = await on.start([{ step_ref: "built", step_type: "wait_for_event", event_key: "built:{{app}}" }], {
      payload: { app: "shop" },
    });
    const emits = await on.workflow([{ step_ref: "build", calls: "/build", event_emit_key: "built:{{app}}" }]);
    // Whoever emits before anybody waits is not heard, so this may take a second try.
    await until(async () => {
      await on.ends(await on.trigger(emits, { payload: { app: "shop" } }));
      return (await on.run(waiting)).status === "completed";
    });

    expect((await on.step(waiting, "built")).output).toEqual({ image: "shop:2" });
    expect((await on.ends(waiting)).status).toBe("completed");
  });

  test("goes on when a step of its own run emits its key", async () => {
    const waits = { step_type: "wait_for_event" };
    const run = await on.start([
      { step_ref: "go", ...waits, event_key: "go", event_emit_key: "gone" },
      { step_ref: "gone", ...waits, event_key: "gone" },
    ]);
    for (const key of ["go", "gone"])
      await until(async () => (await stack.request("GET", `/v1/events/${key}`)).status === 200);
    await on.sends("go", { to: "shop" });
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect((await on.step(run, "gone")).output).toEqual({ to: "shop" });
    const sent = (await stack.request("GET", "/v1/events/gone")).body;
    expect(sent).toMatchObject({ status: "received", sent_by: `workflow-run:${run.id}` });
  });

  test("tells its event_notify_url once where to send the event", async () => {
    const run = await on.start([
      {
        step_ref: "wait",
        step_type: "wait_for_event",
        event_key: "told/1",
        event_notify_url: stack.jobs.url("/notified"),
      },
    ]);
    const [call] = await until(() => stack.jobs.callsTo("/notified").length > 0 && stack.jobs.callsTo("/notified"));
    expect(call?.body).toMatchObject({
      event_key: "told/1",
      project_id: "demo",
      callback_url: "/v1/events/told%2F1/send",
    });
    await on.sends("told/1");
    await on.ends(run);
    expect(stack.jobs.callsTo("/notified")).toHaveLength(1);
  });
});

describe.concurrent("a sleep step", () => {
  test("lasts as long as it says, as its own times and its output tell", async () => {
    const run = await on.start([{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 2 }]);
    expect(await on.opens(run, "nap")).not.toHaveProperty("finished_at");
    await on.ends(run);

    const { started_at, finished_at, output } = await on.step(run, "nap");
    expect(seconds(started_at, finished_at)).toBeGreaterThanOrEqual(2);
    expect(await on.timers(run)).toEqual([2]);
    expect(output).toEqual({ slept_for_secs: seconds(started_at, finished_at), completed_at: finished_at });
  });

  test("cannot be woken by an event", async () => {
    const run = await on.start([{ step_ref: "nap", step_type: "sleep", sleep_duration_secs: 60 }]);
    await on.opens(run, "nap");
    const key = `sleep:${run.id}:nap`;
    const answered = await until(async () => {
      const { status, body } = await on.send(key);
      return status !== 404 && { status, body };
    });
    expect(answered).toMatchObject({ status: 409, body: { error: "event trigger is not in waiting state" } });
    await on.cancel(run);
  });
});
