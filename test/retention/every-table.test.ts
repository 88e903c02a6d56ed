import { afterAll, expect, test } from "vitest";
import { letGo } from "../../src/commands/retention/let-go.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { routes } from "../../src/http/routes/index.ts";
import { parseRetention } from "../../src/rules/retention.ts";
import { letOldOnesGo, makeOld } from "./aged.ts";
import { caseOf, filled } from "../access/every-route.ts";
import { startStack } from "../stack/harness.ts";
import { scenarioOn } from "../stack/scenario.ts";
import { calling, event, GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

const stack = await startStack();
const on = scenarioOn(stack);
const { deps, request, jobs } = stack;
afterAll(() => stack.stop());

const LARGE = "x".repeat(5_000);

/** What may name a run that is deleted, and why. */
const KEPT: Record<string, string> = {
  "bulk_operation_items.run_id": "an operation tells what it did, as long as it is there",
  "bulk_operation_items.new_run_id": "the same",
  "idempotency_keys.run_id": "a key counts for its own time, so that a repeated request does not make the run again",
  "stuck_workflows.run_id": "tells which run kept a worker busy; read for a day",
};

interface Column {
  table: string;
  column: string;
}

/** Whatever can hold the id of a run, of a step run or of a job run. */
async function idColumns(): Promise<Column[]> {
  const { rows } = await deps.db.query<Column>(
    `select table_name::text as "table", column_name::text as "column"
     from information_schema.columns join information_schema.tables using (table_schema, table_name)
     where table_schema = 'public' and table_type = 'BASE TABLE'
       and (data_type = 'uuid' or column_name like '%run_id') order by 1, 2`,
  );
  return rows;
}

const countOf = async ({ table, column }: Column, ids: string[]) => {
  const { rows } = await deps.db.query(`select count(*) from ${table} where ${column}::text = any($1)`, [ids]);
  return rows[0].count as number;
};

/** A run that has done everything a run can do, and has left something in each table. */
async function fullRun(): Promise<WorkflowRun> {
  jobs.on("/flaky", (_, nth) => ({ status: nth === 1 ? 500 : 200, body: { text: LARGE } }));
  const child = await on.workflow([{ step_ref: "inner", calls: "/inner" }]);
  const workflow = await on.workflow([
    { step_ref: "flaky", calls: "/flaky", retry_max_attempts: 2, retry_backoff: "fixed", retry_initial_delay_secs: 1 },
    { ...GATE, depends_on: ["flaky"] },
    calling(child, { depends_on: ["gate"] }),
    { ...event("paid"), depends_on: ["child"] },
    { step_ref: "last", step_type: "approval", approval_approvers: ["ada"], depends_on: ["event"] },
  ]);
  await request("POST", "/v1/events/paid/send", { payload: { text: LARGE }, hold_secs: 600 });
  const body = { payload: { text: LARGE }, tags: { team: "a" }, labels: { region: "eu" } };
  const path = `/v1/workflows/${workflow.id}/trigger`;
  const run = (await request<WorkflowRun>("POST", path, body, { headers: { "idempotency-key": "full" } })).body;
  await on.opens(run, "gate");
  await on.steer(run, "approve", "gate", {}, { headers: { "idempotency-key": "approved" } });
  await on.opens(run, "last");
  await on.cancel(run);
  await on.ends(run);
  await on.rests(run);
  return run;
}

test("a run leaves nothing behind in any table, and is a 404 on every route", async () => {
  const run = await fullRun();
  // What a worker has journaled may be forgotten by now.
  await deps.db.query("insert into call_journal (run_id, name, outcome) values ($1, 'left', '{}')", [run.id]);
  await deps.db.query(
    `insert into approval_links (token_hash, project_id, run_id, step_run_id, step_ref, requested_at, person, made_by, expires_at)
     values ('a', 'demo', $1, gen_random_uuid(), 'gate', now(), 'ada', 'ada', now())`,
    [run.id],
  );
  await deps.db.query(
    `insert into webhook_deliveries (id, webhook_id, message_id, project_id, event, run_id, subject, status)
     values (gen_random_uuid(), gen_random_uuid(), 'a', 'demo', 'approval.decided', $1, '{}', 'delivered')`,
    [run.id],
  );
  const { rows: gates } = await deps.db.query("select id from approvals where run_id = $1", [run.id]);
  const { rows: jobRuns } = await deps.db.query("select id from job_runs where run_id = $1", [run.id]);
  const ids = await makeOld(deps, run);
  expect(ids).toHaveLength(2);
  const { rows: steps } = await deps.db.query<{ id: string }>("select id from step_runs where run_id = any($1)", [ids]);
  const all = [...ids, ...steps.map(({ id }) => id), ...jobRuns.map(({ id }) => id)];

  const columns = (await idColumns()).filter(({ table, column }) => KEPT[`${table}.${column}`] === undefined);
  const left = new Set<string>();
  for (const one of columns) if ((await countOf(one, all)) > 0) left.add(one.table);
  const ofRuns = columns.filter(({ column }) => column.endsWith("run_id")).map(({ table }) => table);
  // A new table is filled by the run above, or is named in KEPT.
  expect([...new Set(ofRuns)].filter((table) => !left.has(table))).toEqual([]);
  expect(await letOldOnesGo(deps)).toMatchObject({ runs: 2 });
  for (const one of columns) expect({ ...one, count: await countOf(one, all) }).toEqual({ ...one, count: 0 });
  const { rows: documents } = await deps.db.query("select body from documents");
  expect(documents).toEqual([]);

  const known = { workflowRunID: run.id, runID: jobRuns[0].id, stepRef: "gate", commandID: "approved" };
  const asked = routes.filter(({ path }) => path.includes(":workflowRunID") || path.includes("/:runID"));
  expect(asked.length).toBeGreaterThan(25);
  for (const route of asked) {
    const { method, path } = route;
    const body = method === "get" ? undefined : (caseOf(route).body?.(known) ?? {});
    const { status } = await request(method.toUpperCase(), filled(path, known), body);
    expect({ method, path, status }).toEqual({ method, path, status: 404 });
  }
  expect((await request("GET", "/v1/events/paid")).status).toBe(404);
  expect((await request("GET", `/v1/events/${encodeURIComponent(gates[0].id)}`)).status).toBe(404);
  for (const list of ["workflow-runs", "approvals", "events", "runs"]) {
    const { body } = await request<unknown>("GET", `/v1/${list}?project_id=demo`);
    expect({ list, items: Array.isArray(body) ? body : (body as { data: unknown }).data }).toEqual({ list, items: [] });
  }
});

test("a request is repeated under the key of a deleted run: a 404, and no second run, until the key is let go itself", async () => {
  const workflow = await on.workflow([{ step_ref: "a", calls: "/keyed" }]);
  const trigger = () =>
    request<WorkflowRun>(
      "POST",
      `/v1/workflows/${workflow.id}/trigger`,
      {},
      { headers: { "idempotency-key": "once" } },
    );
  const run = (await trigger()).body;
  await on.ends(run);
  await makeOld(deps, run);
  await letOldOnesGo(deps);

  expect(await trigger()).toMatchObject({
    status: 404,
    body: { error: "workflow run not found: what this idempotency key stands for is deleted" },
  });
  expect(jobs.callsTo("/keyed")).toHaveLength(1);
  expect(await on.runsOf(workflow)).toEqual([]);

  const keysOlderThanAWeek = (now: number) => letGo(deps, parseRetention("keys=7d"), { now });
  expect(await keysOlderThanAWeek(Date.now())).toEqual({ runs: 0, keys: 0 });
  expect((await keysOlderThanAWeek(Date.now() + 8 * 86_400_000)).keys).toBeGreaterThan(0);
  const again = await trigger();
  expect(again.status).toBe(202);
  expect(again.body.id).not.toBe(run.id);
  await on.ends(again.body);
  await until(() => jobs.callsTo("/keyed").length === 2);
});
