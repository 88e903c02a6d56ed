import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { findWaitingEventTrigger } from "../../../src/store/event-triggers.ts";
import { gate, wait } from "../definitions.ts";
import { answered, eventTrigger, refused } from "../shapes.ts";
import { callerOf, keysOf, pathOf } from "./callers.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

type Ask = ReturnType<typeof callerOf>["ask"];

const sent = z.strictObject({
  resolved: z.int(),
  triggers: z.array(eventTrigger),
  accepted: z.array(z.unknown()),
  failed: z.array(z.unknown()),
  has_more: z.boolean(),
});

describe("sending to all keys with a prefix", () => {
  const sendTo = async (ask: Ask, prefix: string, body?: unknown, options?: object) =>
    answered(await ask("POST", `/v1/events/prefix/${encodeURIComponent(prefix)}/send`, body, options), 200, sent);

  test("resolves those that wait, and no other", async () => {
    const { ask, list, get, waits } = callerOf(stack);
    const keys = ["order/1_%", "order/1_%/a", "order/1_%/b"];
    const runs = [];
    for (const key of [...keys, "order/12%", "Order/1_%"]) runs.push(await waits(key));
    const other = callerOf(stack);
    await other.waits("order/1_%/c");
    expect(await ask("POST", "/v1/events/prefix/order%2F1_%25/send?dryRun=true")).toMatchObject({
      status: 200,
      body: { dry_run: true, resolved: 3 },
    });
    const { resolved, triggers, failed, has_more } = await sendTo(ask, "order/1_%", { payload: { paid: true } });
    expect({ resolved, failed, has_more }).toEqual({ resolved: 3, failed: [], has_more: false });
    expect(keysOf(triggers).sort()).toEqual(keys);
    for (const key of keys) expect(await get(key)).toMatchObject({ response_payload: { paid: true } });
    expect(keysOf((await list("?status=waiting")).data)).toEqual(["Order/1_%", "order/12%"]);
    expect(await sendTo(ask, "order/1_%")).toMatchObject({ resolved: 0, triggers: [] });
  });

  test("under the same Idempotency-Key again sends to no key twice", async () => {
    const { ask, get, waits } = callerOf(stack);
    const options = { headers: { "idempotency-key": "all" } };
    await waits("x1");
    expect(await sendTo(ask, "x", {}, options)).toMatchObject({ resolved: 1 });
    await waits("x1");
    await sendTo(ask, "x", {}, options);
    expect(await get("x1")).toMatchObject({ status: "waiting" });
  });

  test("reaches gates only under a prefix of theirs, and opens those that are the caller's", async () => {
    const { project, ask } = callerOf(stack);
    const steps = [gate("mine"), gate("theirs", { approval_approvers: ["eve"] }), wait("wait", "a key")];
    const body = { name: "w", slug: "gates", steps };
    const { body: workflow } = (await ask("POST", "/v1/workflows", body)) as { body: { id: string } };
    const { body: run } = (await ask("POST", `/v1/workflows/${workflow.id}/trigger`)) as { body: WorkflowRun };
    await until(() => findWaitingEventTrigger(stack.deps.db, project, "a key"));
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
    const { project, ask, list, waits } = callerOf(stack);
    const other = callerOf(stack);
    const run = await waits("received");
    await ask("POST", `${pathOf("received")}/send`, { payload: 1 });
    await waits("waits");
    await waits("new");
    await ask("DELETE", pathOf("new"));
    await ask("POST", `${pathOf("held")}/send`, { hold_secs: 60, payload: "x".repeat(5_000) });
    await other.waits("received");
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
    expect(keysOf((await list()).data).sort()).toEqual(["new", "waits"]);
    expect(keysOf((await other.list()).data)).toEqual(["received"]);
    const { rows } = await stack.deps.db.query("select from documents where project_id = $1", [project]);
    expect(rows).toEqual([]);
    // A run keeps what it received.
    expect(await ask("GET", `/v1/workflow-runs/${run.id}/steps`)).toMatchObject({ body: [{ output: 1 }] });
  });

  test("of more than a batch deletes all of them", async () => {
    const { project, ask } = callerOf(stack);
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
