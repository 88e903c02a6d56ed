import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { EventTrigger, WorkflowRun } from "../../src/contract/runs.ts";
import { findWaitingTrigger } from "../../src/store/event-triggers.ts";
import { gate, getRun, getStep, ok, opens, reaches, runOf, wait } from "./definitions.ts";
import { answered, envelope, eventTrigger, refused } from "./shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** A caller of a project of its own. */
let projects = 0;
const fresh = () => {
  const project = `project-${++projects}`;
  const options = { token: stack.token({ projects: [project] }) };
  const ask = (method: string, path: string, body?: unknown, over: RequestOptions = {}) =>
    stack.request(method, path, body, { ...options, ...over });
  return { project, ask };
};
type Ask = ReturnType<typeof fresh>["ask"];

const pathOf = (key: string) => `/v1/events/${encodeURIComponent(key)}`;
const keysOf = (events: { event_key: string }[]) => events.map(({ event_key }) => event_key);
const events = envelope(eventTrigger);
const list = async (ask: Ask, query = "") => answered(await ask("GET", `/v1/events${query}`), 200, events);
const get = async (ask: Ask, key: string) => answered(await ask("GET", pathOf(key)), 200, eventTrigger);

let slugs = 0;
async function waits(ask: Ask, project: string, key: string, over = {}): Promise<WorkflowRun> {
  const body = { name: "w", slug: `waits-${++slugs}`, steps: [wait("paid", key, over)] };
  const { body: workflow } = (await ask("POST", "/v1/workflows", body)) as { body: { id: string } };
  const { body: run } = (await ask("POST", `/v1/workflows/${workflow.id}/trigger`)) as { body: WorkflowRun };
  await until(async () => (await findWaitingTrigger(stack.deps.db, project, key))?.run_id === run.id);
  return run;
}

const NOT_WAITING = "event trigger is not in waiting state";
const NOT_FOUND = "event trigger not found";

describe("the list of events", () => {
  test("is an envelope, newest first, of the project's own, and read in pages without a gap", async () => {
    const { ask, project } = fresh();
    for (const key of ["a", "b", "c"]) await waits(ask, project, key);
    expect(await ask("POST", `${pathOf("d")}/send`, { hold_secs: 60 })).toMatchObject({ status: 202 });
    await waits(ask, project, "e");
    const all = await list(ask);
    expect(all.has_more).toBe(false);
    expect(keysOf(all.data)).toEqual(["e", "d", "c", "b", "a"]);
    const read: EventTrigger[] = [];
    let cursor = "";
    for (let more = true; more; ) {
      const page = await list(ask, `?limit=2&cursor=${cursor}`);
      read.push(...(page.data as EventTrigger[]));
      cursor = page.next_cursor ?? "";
      more = page.has_more;
    }
    expect(read).toEqual(all.data);
    expect((await list(ask, `?cursor=${all.data[1]?.requested_at}`)).data).toEqual(all.data.slice(2));
    expect((await list(fresh().ask)).data).toEqual([]);
  });

  test("is filtered by status, run and source", async () => {
    const { ask, project } = fresh();
    const run = await waits(ask, project, "waits");
    await waits(ask, project, "received");
    await ask("POST", `${pathOf("received")}/send`);
    await waits(ask, project, "canceled");
    await ask("DELETE", pathOf("canceled"));
    await waits(ask, project, "late", { event_timeout_secs: 1 });
    await ask("POST", `${pathOf("held")}/send`, { hold_secs: 60 });
    await ask("POST", `${pathOf("let go")}/send`, { hold_secs: 60 });
    await ask("DELETE", pathOf("let go"));
    await ask("POST", `${pathOf("held for a moment")}/send`, { hold_secs: 1 });
    const of = async (query: string) => keysOf((await list(ask, query)).data);
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
    expect((await fresh().ask("GET", "/v1/events/stats")).body).toEqual({
      ...{ total_count: 0, waiting_count: 0, held_count: 0, received_count: 0, timed_out_count: 0, canceled_count: 0 },
      avg_wait_duration_secs: 0,
    });
  });
});

describe("an event by its key", () => {
  test("is who waits for it, else its newest use; of no use, and of another project, the same 404", async () => {
    const { ask, project } = fresh();
    refused(await ask("GET", pathOf("k/1")), 404, "not_found", NOT_FOUND);
    const first = await waits(ask, project, "k/1");
    expect(await get(ask, "k/1")).toMatchObject({ status: "waiting", workflow_run_id: first.id });
    await ask("POST", `${pathOf("k/1")}/send`, { payload: 1 });
    expect(await get(ask, "k/1")).toMatchObject({ status: "received", response_payload: 1, sent_by: "ada" });
    const next = await waits(ask, project, "k/1");
    expect(await get(ask, "k/1")).toMatchObject({ status: "waiting", workflow_run_id: next.id });
    refused(await fresh().ask("GET", pathOf("k/1")), 404, "not_found", NOT_FOUND);
  });

  test("that is named like a route is found with a letter of it encoded", async () => {
    const { ask, project } = fresh();
    await waits(ask, project, "stats");
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
    const of = (key: string) => get(stack.request as Ask, key);
    expect(await of(`approval:${run.id}:gate`)).toMatchObject({ status: "waiting", trigger_type: "event" });
    expect(await of(`sleep:${run.id}:nap`)).toMatchObject({ status: "waiting", trigger_type: "sleep" });
  });
});

describe("canceling a wait", () => {
  test("fails its step, and the run by its on_failure", async () => {
    const run = await runOf(stack, [
      wait("paid", "to cancel", { on_failure: "continue" }),
      gate("after", { depends_on: ["paid"] }),
    ]);
    await until(() => findWaitingTrigger(stack.deps.db, "demo", "to cancel"));
    const canceled = answered(await stack.request("DELETE", pathOf("to cancel")), 200, eventTrigger);
    expect(canceled).toMatchObject({ status: "canceled", error: "canceled by user", workflow_run_id: run.id });
    expect(await getStep(stack, run, "paid")).toMatchObject({
      status: "failed",
      error: "event trigger canceled by user",
    });
    await opens(stack, run, "after");
    refused(await stack.request("DELETE", pathOf("to cancel")), 409, "conflict", NOT_WAITING);
    refused(await stack.request("POST", `${pathOf("to cancel")}/send`), 409, "conflict", NOT_WAITING);

    const fatal = await runOf(stack, [wait("paid", "fatal")]);
    await until(() => findWaitingTrigger(stack.deps.db, "demo", "fatal"));
    await ok(stack, "DELETE", pathOf("fatal"));
    expect(await getRun(stack, fatal)).toMatchObject({ status: "failed", error: "event trigger canceled by user" });
  });

  test("under the same Idempotency-Key again has the same outcome, whoever waits by then", async () => {
    const { ask, project } = fresh();
    const options = { headers: { "idempotency-key": "once" } };
    const run = await waits(ask, project, "again");
    const first = answered(await ask("DELETE", pathOf("again"), undefined, options), 200, eventTrigger);
    await waits(ask, project, "again");
    const second = answered(await ask("DELETE", pathOf("again"), undefined, options), 200, eventTrigger);
    expect(second).toEqual(first);
    expect(second.workflow_run_id).toBe(run.id);
    expect(await get(ask, "again")).toMatchObject({ status: "waiting" });
  });

  test("and sending to it, at once, is one of the two; the run is told so, and replays", async () => {
    const rounds = Array.from({ length: 8 }, async (_, i) => {
      const key = `raced ${i}`;
      const run = await runOf(stack, [wait("paid", key)]);
      await until(() => findWaitingTrigger(stack.deps.db, "demo", key));
      const asks = [
        () => stack.request("DELETE", pathOf(key)),
        () => stack.request("POST", `${pathOf(key)}/send`, { payload: i }),
        () => stack.request("DELETE", `/v1/workflow-runs/${run.id}`),
      ];
      const answers = await Promise.all((i % 2 ? asks : asks.toReversed()).map((one) => one()));
      const [cancel, send, end] = i % 2 ? answers : answers.toReversed();
      const { status, error, output } = await getStep(stack, run, "paid");
      const event = await get(stack.request as Ask, key);
      expect([cancel?.status === 200, send?.status === 200]).toEqual([
        event.status === "canceled" && event.error === "canceled by user",
        event.status === "received",
      ]);
      if (send?.status === 200) expect({ status, output }).toEqual({ status: "completed", output: i });
      else if (cancel?.status === 200)
        expect({ status, error }).toEqual({ status: "failed", error: "event trigger canceled by user" });
      else expect({ status, end: end?.status }).toEqual({ status: "canceled", end: 200 });
    });
    await Promise.all(rounds);
  });

  test("of a gate is its approvers' to do, and rejects it; sleep is not cut short", async () => {
    const run = await runOf(stack, [
      gate("gate", { on_failure: "continue" }),
      { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 3600 },
    ]);
    await opens(stack, run, "nap");
    const key = pathOf(`approval:${run.id}:gate`);
    const eve = { token: stack.token({ sub: "eve" }) };
    const message = "approver eve is not allowed for step gate";
    refused(await stack.request("DELETE", key, undefined, eve), 400, "approver_not_allowed", message);
    answered(await stack.request("DELETE", key), 200, eventTrigger);
    expect((await getStep(stack, run, "gate")).error).toBe("approval rejected by ada: event trigger canceled by user");
    refused(await stack.request("DELETE", pathOf(`sleep:${run.id}:nap`)), 409, "conflict", NOT_WAITING);
  });

  test("is planned", async () => {
    const run = await runOf(stack, [wait("paid", "planned")]);
    await until(() => findWaitingTrigger(stack.deps.db, "demo", "planned"));
    expect(await ok(stack, "DELETE", `${pathOf("planned")}?dryRun=true`)).toMatchObject({
      dry_run: true,
      workflow_run_id: run.id,
      status_after: "failed",
    });
    expect((await getStep(stack, run, "paid")).status).toBe("waiting");
    refused(await stack.request("DELETE", `${pathOf("nobody's")}?dryRun=true`), 404, "not_found", NOT_FOUND);
  });

  test("of nobody's key, and of another project's, is the same 404", async () => {
    const { ask, project } = fresh();
    await waits(ask, project, "theirs");
    refused(await stack.request("DELETE", pathOf("theirs")), 404, "not_found", NOT_FOUND);
    refused(await stack.request("DELETE", pathOf("nobody's")), 404, "not_found", NOT_FOUND);
  });
});

const sent = z.strictObject({
  resolved: z.int(),
  triggers: z.array(eventTrigger),
  accepted: z.array(z.unknown()),
  failed: z.array(z.unknown()),
  has_more: z.boolean(),
});

describe("sending to all keys with a prefix", () => {
  const sendTo = async (ask: Ask, prefix: string, body?: unknown, options?: RequestOptions) =>
    answered(await ask("POST", `/v1/events/prefix/${encodeURIComponent(prefix)}/send`, body, options), 200, sent);

  test("resolves those that wait, and no other", async () => {
    const { ask, project } = fresh();
    const keys = ["order/1_%", "order/1_%/a", "order/1_%/b"];
    const runs = [];
    for (const key of [...keys, "order/12%", "Order/1_%"]) runs.push(await waits(ask, project, key));
    const other = fresh();
    await waits(other.ask, other.project, "order/1_%/c");
    expect(await ask("POST", "/v1/events/prefix/order%2F1_%25/send?dryRun=true")).toMatchObject({
      status: 200,
      body: { dry_run: true, resolved: 3 },
    });
    const { resolved, triggers, failed, has_more } = await sendTo(ask, "order/1_%", { payload: { paid: true } });
    expect({ resolved, failed, has_more }).toEqual({ resolved: 3, failed: [], has_more: false });
    expect(keysOf(triggers).sort()).toEqual(keys);
    for (const key of keys) expect(await get(ask, key)).toMatchObject({ response_payload: { paid: true } });
    expect(keysOf((await list(ask, "?status=waiting")).data)).toEqual(["Order/1_%", "order/12%"]);
    expect(await sendTo(ask, "order/1_%")).toMatchObject({ resolved: 0, triggers: [] });
  });

  test("under the same Idempotency-Key again sends to no key twice", async () => {
    const { ask, project } = fresh();
    const options = { headers: { "idempotency-key": "all" } };
    await waits(ask, project, "x1");
    expect(await sendTo(ask, "x", {}, options)).toMatchObject({ resolved: 1 });
    await waits(ask, project, "x1");
    await sendTo(ask, "x", {}, options);
    expect(await get(ask, "x1")).toMatchObject({ status: "waiting" });
  });

  test("reaches gates only under a prefix of theirs, and opens those that are the caller's", async () => {
    const { ask, project } = fresh();
    const steps = [gate("mine"), gate("theirs", { approval_approvers: ["eve"] }), wait("wait", "a key")];
    const body = { name: "w", slug: "gates", steps };
    const { body: workflow } = (await ask("POST", "/v1/workflows", body)) as { body: { id: string } };
    const { body: run } = (await ask("POST", `/v1/workflows/${workflow.id}/trigger`)) as { body: WorkflowRun };
    await until(() => findWaitingTrigger(stack.deps.db, project, "a key"));
    expect(keysOf((await sendTo(ask, "a")).triggers)).toEqual(["a key"]);
    const { triggers, failed } = await sendTo(ask, `approval:${run.id}`);
    expect(keysOf(triggers)).toEqual([`approval:${run.id}:mine`]);
    expect(failed).toEqual([
      {
        event_key: `approval:${run.id}:theirs`,
        workflow_run_id: run.id,
        code: "approver_not_allowed",
        error: "approver ada is not allowed for step theirs",
      },
    ]);
  });

  test("takes no hold_secs: there is no key to hold it for", async () => {
    const answer = await stack.request("POST", "/v1/events/prefix/x/send", { hold_secs: 1 });
    expect(refused(answer, 400, "validation_error", "invalid request body").details).toEqual([
      "hold_secs: unknown field",
    ]);
  });
});

describe("a purge", () => {
  const age = (project: string, keys: string[]) =>
    Promise.all(
      [
        "update event_triggers set requested_at = now() - interval '8 days' where project_id = $1 and event_key = any($2)",
        `update held_events set sent_at = now() - interval '8 days', expires_at = least(expires_at, now() - interval '7 days')
         where project_id = $1 and event_key = any($2)`,
      ].map((sql) => stack.deps.db.query(sql, [project, keys])),
    );

  test("deletes the project's own that are over and old, and only counts them in a dry run", async () => {
    const { ask, project } = fresh();
    const other = fresh();
    const run = await waits(ask, project, "received");
    await ask("POST", `${pathOf("received")}/send`, { payload: 1 });
    await waits(ask, project, "waits");
    await waits(ask, project, "new");
    await ask("DELETE", pathOf("new"));
    await ask("POST", `${pathOf("held")}/send`, { hold_secs: 60, payload: "x".repeat(5_000) });
    await waits(other.ask, other.project, "received");
    await other.ask("POST", `${pathOf("received")}/send`);
    await age(project, ["received", "waits", "held"]);
    await age(other.project, ["received"]);
    const purge = (body: object, query = "") => ask("POST", `/v1/events/purge${query}`, body);
    for (const plan of [
      await purge({ older_than_days: 7, dry_run: true }),
      await purge({ older_than_days: 7 }, "?dryRun=true"),
    ])
      expect(plan).toMatchObject({ status: 200, body: { dry_run: true, would_delete: 2 } });
    expect((await purge({ older_than_days: 9 })).body).toEqual({ deleted: 0 });
    expect((await purge({ older_than_days: 7 })).body).toEqual({ deleted: 2 });
    expect(keysOf((await list(ask)).data).sort()).toEqual(["new", "waits"]);
    expect(keysOf((await list(other.ask)).data)).toEqual(["received"]);
    const { rows } = await stack.deps.db.query("select from documents where project_id = $1", [project]);
    expect(rows).toEqual([]);
    // A run keeps what it received.
    expect(await ask("GET", `/v1/workflow-runs/${run.id}/steps`)).toMatchObject({ body: [{ output: 1 }] });
  });

  test("of more than a batch deletes all of them", async () => {
    const { ask, project } = fresh();
    await stack.deps.db.query(
      `insert into held_events (id, project_id, event_key, status, hold_secs, sent_by, sent_at, expires_at)
       select gen_random_uuid(), $1, n::text, 'canceled', 1, 'ada', now() - interval '8 days', now()
       from generate_series(1, 2500) n`,
      [project],
    );
    expect((await ask("POST", "/v1/events/purge", { older_than_days: 7 })).body).toEqual({ deleted: 2500 });
  });

  test.each([
    [{ older_than_days: 0 }, "older_than_days: must be >= 1"],
    [{ older_than_days: 1.5 }, "older_than_days: must be a whole number"],
    [{ older_than_days: 1e9 }, "older_than_days: must be <= 36500"],
    [{}, "older_than_days: required"],
    [{ older_than_days: 1, status: "x" }, "status: unknown field"],
  ])("of %j is refused", async (body, detail) => {
    const answer = await stack.request("POST", "/v1/events/purge", body);
    expect(refused(answer, 400, "validation_error", /./).details).toEqual([detail]);
  });
});

test("a wait that is canceled while no worker is there is accepted, and canceled once", async () => {
  const run = await runOf(stack, [wait("paid", "no worker")]);
  await until(() => findWaitingTrigger(stack.deps.db, "demo", "no worker"));
  const location = await stack.withoutWorker(async () => {
    const { status, headers } = await stack.request("DELETE", pathOf("no worker"));
    expect(status).toBe(202);
    return headers.get("location") ?? "";
  });
  await reaches(stack, run, "failed");
  expect(await ok(stack, "GET", location)).toMatchObject({ verb: "cancel-event", status: "applied" });
});
