import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTrigger } from "../../src/contract/events/event-trigger.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { LogLines } from "../stack/log-lines.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

const log = new LogLines();
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ logLevel: "info", logTo: log });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const waitFor = (key: string) =>
  on.start([
    {
      step_ref: "paid",
      step_type: "wait_for_event",
      event_key: key,
      event_timeout_secs: 600,
      event_notify_url: stack.jobs.url(`/notified/${key}`),
    },
  ]);
const eventOf = async (key: string) => (await stack.request<EventTrigger>("GET", `/v1/events/${key}`)).body;
const notified = (key: string, status: EventTrigger["notify_status"]) =>
  until(async () => (await eventOf(key)).notify_status === status);
const callsFor = (key: string) => stack.jobs.callsTo(`/notified/${key}`);

describe.concurrent("an event_notify_url", () => {
  test("is told where the event is to be sent, once when it answers", async () => {
    const run = await waitFor("told");
    await notified("told", "sent");
    const { id, expires_at, notify_url } = await eventOf("told");
    expect(callsFor("told").map(({ method, body }) => [method, body])).toEqual([
      [
        "POST",
        { event_key: "told", trigger_id: id, project_id: "demo", expires_at, callback_url: "/v1/events/told/send" },
      ],
    ]);
    expect(notify_url).toBe(stack.jobs.url("/notified/told"));
    await on.send("told", 1);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await eventOf("told")).toMatchObject({ status: "received", notify_status: "sent" });
  });

  test("is told again until it answers with a 2xx; until then that is pending", async () => {
    stack.jobs.on("/notified/again", (_, nth) => ({ status: nth === 1 ? 500 : nth === 2 ? 404 : 204 }));
    await waitFor("again");
    await until(() => callsFor("again").length === 2);
    expect((await eventOf("again")).notify_status).toBe("pending");
    await notified("again", "sent");
    expect(callsFor("again")).toHaveLength(3);
  });

  test("that sends the event before it answers is heard out", async () => {
    stack.jobs.on("/notified/at-once", async () => {
      await on.send("at-once", "early");
      return { status: 200 };
    });
    const run = await waitFor("at-once");
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    await notified("at-once", "sent");
    expect(callsFor("at-once")).toHaveLength(1);
  });

  test("that was not reached before the wait was over is told no more", async () => {
    stack.jobs.on("/notified/over", () => ({ status: 503 }));
    const run = await waitFor("over");
    await until(() => callsFor("over").length === 1);
    await on.send("over", 1);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    await notified("over", "failed");
    const lines = log.all("event notification failed").filter((line) => line.run === run.id);
    expect(lines).toMatchObject([{ level: 40, attempt: 1, reason: "event_notify_url answered 503" }]);
    expect(log.text).not.toContain("notifyWait");
  });

  test("is not told of a wait that an event was held for", async () => {
    await stack.request("POST", "/v1/events/held/send", { payload: 1, hold_secs: 60 });
    expect(await on.ends(await waitFor("held"))).toMatchObject({ status: "completed" });
    expect(await eventOf("held")).not.toHaveProperty("notify_status");
    expect(callsFor("held")).toEqual([]);
  });

  test("is told by another worker when the one that was to tell it is gone", async () => {
    const own = await startStack({ worker: false });
    try {
      const there = scenarioOn(own);
      own.jobs.on("/notified", (_, nth) => ({ status: nth === 1 ? 500 : 200 }));
      await own.startWorker();
      const wait = { step_ref: "paid", step_type: "wait_for_event", event_key: "k" };
      await there.start([{ ...wait, event_notify_url: own.jobs.url("/notified") }]);
      await until(() => own.jobs.callsTo("/notified").length === 1);
      await own.stopWorker();
      await own.startWorker();
      await until(async () => (await own.request<EventTrigger>("GET", "/v1/events/k")).body.notify_status === "sent");
    } finally {
      await own.stop();
    }
  });
});
