import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { findWaitingEventTrigger } from "../../../src/store/event-triggers.ts";
import { holdEvent } from "../../../src/store/events/held-events.ts";
import { gate, getRun, getStep, ok, opens, reaches, runOf, wait } from "../definitions.ts";
import { answered, eventTrigger, refused } from "../shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const pathOf = (key: string) => `/v1/events/${encodeURIComponent(key)}`;
const send = (key: string, body?: unknown, options?: RequestOptions) =>
  stack.request("POST", `${pathOf(key)}/send`, body, options);
const hold = (key: string, payload?: unknown, options?: RequestOptions, hold_secs = 60) =>
  send(key, { payload, hold_secs }, options);
const get = async (key: string) => answered(await stack.request("GET", pathOf(key)), 200, eventTrigger);
const keyed = (key: string) => ({ headers: { "idempotency-key": key } });

/** A run that waits for the key, whatever comes of it. */
const waits = (key: string, over = {}): Promise<WorkflowRun> => runOf(stack, [wait("paid", key, over)]);
const listens = (run: WorkflowRun, key: string) =>
  until(async () => (await findWaitingEventTrigger(stack.deps.db, "demo", key))?.run_id === run.id);
const outputOf = async (run: WorkflowRun) => (await getStep(stack, run, "paid")).output;

const HELD_ALREADY = "another event is held under this key";
const NOT_WAITING = "event trigger is not in waiting state";

describe("an event that is sent before anyone waits for it", () => {
  test("is held, and shown so; who waits first gets it, as if it were sent then, and nobody else", async () => {
    const held = answered(await hold("early", { amount: 12345678901234567890n }), 202, eventTrigger);
    expect(held).toMatchObject({
      id: expect.stringMatching(/^evt:held:/),
      event_key: "early",
      status: "held",
      timeout_secs: 60,
      response_payload: { amount: 12345678901234567890n },
      sent_by: "ada",
    });
    expect(Date.parse(held.expires_at ?? "") - Date.parse(held.requested_at)).toBe(60_000);
    expect(await get("early")).toEqual(held);
    expect(await ok(stack, "GET", "/v1/events?status=held")).toMatchObject({ data: [held] });

    const run = await reaches(stack, await waits("early"), "completed");
    expect(await outputOf(run)).toEqual({ amount: 12345678901234567890n });
    expect(await get("early")).toMatchObject({ status: "received", workflow_run_id: run.id, sent_by: "ada" });
    expect(await ok(stack, "GET", "/v1/events?status=held")).toMatchObject({ data: [] });
    await listens(await waits("early"), "early");
    expect(await get("early")).toMatchObject({ status: "waiting" });
  });

  test("may be large", async () => {
    const payload = { text: "x".repeat(100_000) };
    answered(await hold("large", payload), 202, eventTrigger);
    expect((await get("large")).response_payload).toEqual(payload);
    const run = await reaches(stack, await waits("large"), "completed");
    expect(await outputOf(run)).toEqual(payload);
  });

  test("needs no payload", async () => {
    expect(answered(await hold("bare"), 202, eventTrigger)).not.toHaveProperty("response_payload");
    await reaches(stack, await waits("bare"), "completed");
  });

  test("goes to who waits already, as any other", async () => {
    const run = await waits("waiting");
    await listens(run, "waiting");
    const sent = answered(await hold("waiting", 1), 200, eventTrigger);
    expect(sent).toMatchObject({ status: "received", workflow_run_id: run.id, response_payload: 1 });
    expect((await getRun(stack, run)).status).toBe("completed");
    // Nobody is left over for a second one: it is another event.
    expect(answered(await hold("waiting", 1), 202, eventTrigger).status).toBe("held");
  });

  test("again with an equal payload is the same one, with another a conflict, while it is held", async () => {
    const first = answered(await hold("twice", { a: 1, b: [2] }), 202, eventTrigger);
    const again = await send("twice", '{"hold_secs": 900, "payload": {"b": [2], "a": 1.0}}');
    expect(answered(again, 202, eventTrigger)).toEqual(first);
    refused(await hold("twice", { a: 2 }), 409, "conflict", HELD_ALREADY);
    refused(await hold("twice"), 409, "conflict", HELD_ALREADY);
    await reaches(stack, await waits("twice"), "completed");
    expect(answered(await hold("twice", { a: 2 }), 202, eventTrigger).response_payload).toEqual({ a: 2 });
  });

  test("under the same Idempotency-Key again is the same one, whatever became of it", async () => {
    const key = "keyed";
    const first = answered(await hold(key, 1, keyed("k")), 202, eventTrigger);
    expect(answered(await hold(key, 1, keyed("k")), 202, eventTrigger)).toEqual(first);
    const run = await reaches(stack, await waits(key), "completed");
    const taken = answered(await hold(key, 1, keyed("k")), 200, eventTrigger);
    expect(taken).toMatchObject({ status: "received", workflow_run_id: run.id });
    await listens(await waits(key), key);
    expect(answered(await hold(key, 1, keyed("k")), 200, eventTrigger)).toEqual(taken);
    refused(await hold(key, 2, keyed("k")), 409, "conflict", "idempotency key was used with another body");
    refused(await send(key, { payload: 1 }, keyed("k")), 409, "conflict", "idempotency key was used with another body");
  });

  test("without hold_secs is a 404, and not taken for the one that is held", async () => {
    refused(await send("nobody", { payload: 1 }), 404, "not_found", "event trigger not found");
    await hold("held and sent", 1);
    refused(await send("held and sent", { payload: 1 }), 404, "not_found", "event trigger not found");
  });

  test("is let go of when nobody waits in time", async () => {
    await hold("too early", 1, undefined, 1);
    await until(async () => (await get("too early")).status === "timed_out");
    expect((await get("too early")).error).toBe("nobody waited for the event in time");
    refused(await stack.request("DELETE", pathOf("too early")), 409, "conflict", NOT_WAITING);
    const run = await waits("too early");
    await listens(run, "too early");
    expect(answered(await hold("too early", 2), 200, eventTrigger).workflow_run_id).toBe(run.id);
  });

  test("is canceled by its key", async () => {
    const held = answered(await hold("let go", 1), 202, eventTrigger);
    expect(await ok(stack, "DELETE", `${pathOf("let go")}?dryRun=true`)).toMatchObject({
      dry_run: true,
      event_trigger: { id: held.id, status: "canceled" },
    });
    expect((await get("let go")).status).toBe("held");
    const canceled = answered(
      await stack.request("DELETE", pathOf("let go"), undefined, keyed("c")),
      200,
      eventTrigger,
    );
    expect(canceled).toEqual({ ...held, status: "canceled", error: "canceled by user" });
    expect(answered(await stack.request("DELETE", pathOf("let go"), undefined, keyed("c")), 200, eventTrigger)).toEqual(
      canceled,
    );
    refused(await stack.request("DELETE", pathOf("let go")), 409, "conflict", NOT_WAITING);
    await listens(await waits("let go"), "let go");
  });

  test("is planned", async () => {
    const plan = await send("planned?", { payload: 1, hold_secs: 60, dry_run: true });
    expect(plan).toMatchObject({ status: 200, body: { dry_run: true, event_trigger: { status: "held" } } });
    refused(await stack.request("GET", pathOf("planned?")), 404, "not_found", "event trigger not found");
    await hold("planned?", 1);
    refused(await send("planned?", { payload: 2, hold_secs: 60, dry_run: true }), 409, "conflict", HELD_ALREADY);
    const run = await waits("planned too");
    await listens(run, "planned too");
    const sent = await send("planned too", { hold_secs: 60, dry_run: true });
    expect(sent).toMatchObject({ status: 200, body: { workflow_run_id: run.id, status_after: "completed" } });
  });

  test("is the project's own", async () => {
    const other = { token: stack.token({ projects: ["other"] }) };
    await hold("ours", 1);
    refused(await stack.request("GET", pathOf("ours"), undefined, other), 404, "not_found", /./);
    refused(await stack.request("DELETE", pathOf("ours"), undefined, other), 404, "not_found", /./);
    answered(await hold("ours", 2, other), 202, eventTrigger);
    const run = await reaches(stack, await waits("ours"), "completed");
    expect(await outputOf(run)).toBe(1);
  });

  test.each([
    [{ hold_secs: 0 }, "hold_secs: must be >= 1"],
    [{ hold_secs: 604_801 }, "hold_secs: must be <= 604800"],
    [{ hold_secs: 1.5 }, "hold_secs: must be a whole number"],
    [{ hold_secs: "60" }, "hold_secs: must be a number"],
  ])("is refused with %j", async (body, detail) => {
    expect(refused(await send("k", body), 400, "validation_error", /./).details).toEqual([detail]);
  });

  test("is not held for an approval, or a sleep", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    for (const key of [`approval:${run.id}:gate`, "approval:x", "sleep:x"])
      refused(await hold(key, 1), 400, "validation_error", /must not begin with approval: or sleep:/);
    expect((await getStep(stack, run, "gate")).status).toBe("waiting");
  });
});

describe("an event that was offered to a wait", () => {
  /** As by an API that died before it told the run. */
  const offeredOnly = async (key: string) => {
    const event = { id: uuid(), project_id: "demo", event_key: key, text: "1", hold_secs: 60, sent_by: "ada" };
    expect(await holdEvent(stack.deps.db, event)).toMatchObject({ status: "offered" });
  };

  test("whose run was not told of it, is sent to it when it is sent again", async () => {
    const run = await waits("again");
    await listens(run, "again");
    await offeredOnly("again");
    expect(answered(await hold("again", 1), 200, eventTrigger)).toMatchObject({ workflow_run_id: run.id });
    expect(await outputOf(run)).toBe(1);
    await listens(await waits("again"), "again");
  });

  test("that ends without having heard of it, is the next one's", async () => {
    const run = await waits("not told");
    await listens(run, "not told");
    await offeredOnly("not told");
    await ok(stack, "DELETE", pathOf("not told"));
    expect((await getRun(stack, run)).status).toBe("failed");
    const next = await reaches(stack, await waits("not told"), "completed");
    expect(await outputOf(next)).toBe(1);
  });

  test("that ends before it hears of it, is held again", async () => {
    const run = await waits("too late");
    await listens(run, "too late");
    await stack.withoutWorker(async () => {
      expect((await stack.request("DELETE", pathOf("too late"))).status).toBe(202);
      expect(await hold("too late", 1)).toMatchObject({ status: 202, body: { status: "accepted" } });
    });
    await reaches(stack, run, "failed");
    expect(await get("too late")).toMatchObject({ status: "held", response_payload: 1 });
    const next = await reaches(stack, await waits("too late"), "completed");
    expect(await outputOf(next)).toBe(1);
  });

  test("whose run was terminated, is held again", async () => {
    const run = await waits("terminated");
    await listens(run, "terminated");
    await stack.deps.temporal.workflow.getHandle(run.id).terminate("for the test");
    expect(answered(await hold("terminated", 1), 202, eventTrigger)).toMatchObject({ status: "held" });
    const next = await reaches(stack, await waits("terminated"), "completed");
    expect(await outputOf(next)).toBe(1);
  });
});

test("ten at once, each with its own payload: one is held, and the others are told so", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, (_, payload) => hold("raced", payload)));
  const held = answers.filter(({ status }) => status === 202);
  expect(held).toHaveLength(1);
  for (const answer of answers) if (answer.status !== 202) refused(answer, 409, "conflict", HELD_ALREADY);
  const run = await reaches(stack, await waits("raced"), "completed");
  expect(await outputOf(run)).toBe(answered(held[0] as never, 202, eventTrigger).response_payload);
});
