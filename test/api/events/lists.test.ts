import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EventTrigger } from "../../../src/contract/events/event-trigger.ts";
import { gate, ok, opens, runOf } from "../definitions.ts";
import { answered, eventTrigger, refused } from "../shapes.ts";
import { callerOf, keysOf, NOT_FOUND, pathOf } from "./callers.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const show = async (key: string) => answered(await stack.request("GET", pathOf(key)), 200, eventTrigger);

describe("the list of events", () => {
  test("is an envelope, newest first, of the project's own, and read in pages without a gap", async () => {
    const { ask, list, waits } = callerOf(stack);
    for (const key of ["a", "b", "c"]) await waits(key);
    expect(await ask("POST", `${pathOf("d")}/send`, { hold_secs: 60 })).toMatchObject({ status: 202 });
    await waits("e");
    const all = await list();
    expect(all.has_more).toBe(false);
    expect(keysOf(all.data)).toEqual(["e", "d", "c", "b", "a"]);
    const read: EventTrigger[] = [];
    let cursor = "";
    for (let more = true; more; ) {
      const page = await list(`?limit=2&cursor=${cursor}`);
      read.push(...(page.data as EventTrigger[]));
      cursor = page.next_cursor ?? "";
      more = page.has_more;
    }
    expect(read).toEqual(all.data);
    expect((await list(`?cursor=${all.data[1]?.requested_at}`)).data).toEqual(all.data.slice(2));
    expect((await callerOf(stack).list()).data).toEqual([]);
  });

  test("is filtered by status, run and source", async () => {
    const { ask, list, waits } = callerOf(stack);
    const run = await waits("waits");
    await waits("received");
    await ask("POST", `${pathOf("received")}/send`);
    await waits("canceled");
    await ask("DELETE", pathOf("canceled"));
    await waits("late", { event_timeout_secs: 1 });
    await ask("POST", `${pathOf("held")}/send`, { hold_secs: 60 });
    await ask("POST", `${pathOf("let go")}/send`, { hold_secs: 60 });
    await ask("DELETE", pathOf("let go"));
    await ask("POST", `${pathOf("held for a moment")}/send`, { hold_secs: 1 });
    const of = async (query: string) => keysOf((await list(query)).data);
    await until(async () => (await of("?status=timed_out")).length === 2);
    expect(await of("?status=timed_out")).toEqual(["held for a moment", "late"]);
    expect(await of("?status=waiting")).toEqual(["waits"]);
    expect(await of("?status=received")).toEqual(["received"]);
    expect(await of("?status=canceled")).toEqual(["let go", "canceled"]);
    expect(await of("?status=held")).toEqual(["held"]);
    expect(await of(`?workflow_run_id=${run.id}`)).toEqual(["waits"]);
    expect(await of(`?workflow_run_id=${run.id}&status=received`)).toEqual([]);
    expect(await of("?workflow_run_id=nonsense")).toEqual([]);
    expect(await of("?source_type=job_run")).toEqual([]);
    expect(await of("?source_type=workflow_step&envelope=true")).toHaveLength(7);
    const stats = { total_count: 7, waiting_count: 1, held_count: 1, received_count: 1, timed_out_count: 2 };
    const counted = await ask("GET", "/v1/events/stats");
    expect(counted).toMatchObject({ status: 200, body: { ...stats, canceled_count: 2 } });
    const { avg_wait_duration_secs } = counted.body as { avg_wait_duration_secs: number };
    expect(avg_wait_duration_secs).toBeGreaterThan(0);
    expect(avg_wait_duration_secs).toBeLessThan(20);
  });

  test.each([
    ["status=done", "status is invalid"],
    ["source_type=cron", "source_type is invalid"],
    ["limit=0", "limit must be a positive integer"],
    ["cursor=x", "cursor must be a valid RFC3339 timestamp"],
    ["envelope=false", "envelope must be true: this list is always an envelope"],
  ])("refuses %s", async (query, error) => {
    refused(await stack.request("GET", `/v1/events?${query}`), 400, "validation_error", error);
  });

  test("of a caller of several projects is of the one that is named", async () => {
    const token = stack.token({ projects: ["one", "two"] });
    for (const path of ["/v1/events", "/v1/events/stats", "/v1/events/key"]) {
      const answer = await stack.request("GET", path, undefined, { token });
      refused(answer, 400, "validation_error", "project_id is required");
    }
    expect(await ok(stack, "GET", "/v1/events?project_id=one", undefined, { token })).toMatchObject({ data: [] });
  });

  test("is empty, and all counts are 0, where there is nothing", async () => {
    expect((await callerOf(stack).ask("GET", "/v1/events/stats")).body).toEqual({
      ...{ total_count: 0, waiting_count: 0, held_count: 0, received_count: 0, timed_out_count: 0, canceled_count: 0 },
      avg_wait_duration_secs: 0,
    });
  });
});

describe("an event by its key", () => {
  test("is who waits for it, else its newest use; of no use, and of another project, the same 404", async () => {
    const { ask, get, waits } = callerOf(stack);
    refused(await ask("GET", pathOf("k/1")), 404, "not_found", NOT_FOUND);
    const first = await waits("k/1");
    expect(await get("k/1")).toMatchObject({ status: "waiting", workflow_run_id: first.id });
    await ask("POST", `${pathOf("k/1")}/send`, { payload: 1 });
    expect(await get("k/1")).toMatchObject({ status: "received", response_payload: 1, sent_by: "ada" });
    const next = await waits("k/1");
    expect(await get("k/1")).toMatchObject({ status: "waiting", workflow_run_id: next.id });
    refused(await callerOf(stack).ask("GET", pathOf("k/1")), 404, "not_found", NOT_FOUND);
  });

  test("that is named like a route is found with a letter of it encoded", async () => {
    const { ask, waits } = callerOf(stack);
    await waits("stats");
    expect((await ask("GET", "/v1/events/stats")).body).toMatchObject({ total_count: 1 });
    expect((await ask("GET", "/v1/events/%73tats")).body).toMatchObject({ event_key: "stats" });
  });

  test("that no key can be is refused", async () => {
    const long = await stack.request("GET", pathOf("k".repeat(513)));
    refused(long, 400, "validation_error", "event key must be at most 512 characters");
    const bell = await stack.request("DELETE", pathOf("\u0007"));
    refused(bell, 400, "validation_error", /invalid characters/);
  });

  test("of an approval and a sleep is theirs", async () => {
    const run = await runOf(stack, [gate("gate"), { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 60 }]);
    await opens(stack, run, "nap");
    const of = (key: string) => show(key);
    expect(await of(`approval:${run.id}:gate`)).toMatchObject({ status: "waiting", trigger_type: "event" });
    expect(await of(`sleep:${run.id}:nap`)).toMatchObject({ status: "waiting", trigger_type: "sleep" });
  });
});
