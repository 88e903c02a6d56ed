import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, createWorkflow, gate, ok, opens, trigger, wait, work } from "./definitions.ts";
import { routes } from "../../src/http/routes/index.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

const AT = "2026-03-02T10:00:00.5Z";
const OLDER = "2026-03-02T10:00:00.499999Z";
const YOUNGER = "2026-03-02T10:00:00.500001Z";
/** The columns that lists are ordered by. */
const TIMES = {
  jobs: ["created_at"],
  workflows: ["created_at"],
  workflow_runs: ["created_at"],
  job_runs: ["created_at", "started_at"],
  approvals: ["requested_at", "due_at"],
  event_triggers: ["requested_at"],
  held_events: ["sent_at"],
  bulk_operations: ["created_at"],
  webhooks: ["created_at"],
  webhook_deliveries: ["created_at"],
  run_decisions: ["at"],
};
const ids: Record<string, string> = {};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  const make = (path: string, body: object) => ok<{ id: string }>(stack, "POST", `/v1/${path}`, body);
  stack.jobs.on("/gone", () => ({ status: 410 }));
  const told = { events: ["approval.requested"], url: stack.jobs.url("/gone") };
  const hooks = await Promise.all([1, 2, 3].map(() => make("webhooks", told)));
  const job = await createJob(stack);
  const steps = [gate("gate"), gate("next", { depends_on: ["gate"] }), wait("wait", "{{key}}"), work("work", job)];
  const [workflow] = await Promise.all([
    createWorkflow(stack, steps),
    createJob(stack),
    createJob(stack),
    createWorkflow(stack, steps),
    createWorkflow(stack, steps),
  ]);
  const runs = await Promise.all(["a", "b", "c"].map((key) => trigger(stack, workflow, { payload: { key } })));
  await Promise.all(runs.flatMap((run) => [opens(stack, run, "gate"), opens(stack, run, "wait")]));
  for (const key of ["x", "y", "z"]) await make(`events/${key}/send`, { hold_secs: 3600 });
  await Promise.all(runs.map(() => make("bulk-operations", { operation: "pause", ids: [uuid()] })));
  Object.assign(ids, { workflowID: workflow.id, workflowRunID: runs[0]?.id, webhookID: hooks[0]?.id });
  const has = (table: string, count: number) =>
    until(async () => ((await stack.deps.db.query(`select from ${table}`)).rowCount ?? 0) >= count);
  await Promise.all([has("event_triggers where event_key in ('a', 'b', 'c')", 3), has("webhook_deliveries", 9)]);
  await Promise.all([
    has("bulk_operations where status = 'completed'", 3),
    has("job_runs where status = 'completed'", 3),
  ]);
  await stack.stopWorker();
  for (const [table, columns] of Object.entries(TIMES)) {
    const set = columns.map((column) => `${column} = '${AT}'`).join(", ");
    await stack.deps.db.query(`update ${table} set ${set}`);
  }
});
afterAll(() => stack.stop());

/** Of those whose cursor may be a time. */
const lists = routes.filter(
  ({ method, query }) =>
    method === "get" && query?.safeParse({ limit: "1" }).success && query.safeParse({ cursor: AT }).success,
);
const BY_DUE = "/v1/approvals?status=pending";

describe.each([...lists.map(({ path }) => path), BY_DUE])("GET %s, where everything is of one instant,", (route) => {
  const page = (query: string) => {
    const path = route.replace(/:(\w+)/g, (_, name) => ids[name] ?? "");
    return ok<{ data: object[]; next_cursor?: string }>(
      stack,
      "GET",
      `/envelope${path}${path.includes("?") ? "&" : "?"}${query}`,
    );
  };

  test.each([1, 2])("shows each once in pages of %i", async (limit) => {
    const { data: all } = await page("limit=100");
    expect(all.length).toBeGreaterThanOrEqual(3);
    const shown: object[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined && shown.length <= all.length; ) {
      const { data, next_cursor } = await page(`limit=${limit}&cursor=${cursor}`);
      shown.push(...data);
      cursor = next_cursor;
    }
    expect(shown).toEqual(all);
  });

  test("goes on from a time, as RFC 3339 has it, with what is on its other side", async () => {
    const { data: all } = await page("limit=100");
    const from = (at: string) => page(`limit=100&cursor=${at}`);
    // What is to come begins with the time itself, what has been ends before it.
    const [none, some] = route === BY_DUE ? [[YOUNGER], [OLDER, AT]] : [[OLDER, AT], [YOUNGER]];
    for (const at of none) expect((await from(at)).data).toEqual([]);
    for (const at of some) expect((await from(at)).data).toEqual(all);
  });
});
