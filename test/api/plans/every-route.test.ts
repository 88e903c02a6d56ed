import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refused } from "../shapes.ts";
import { scenarioOn } from "../../stack/scenario.ts";
import { begin, caseOf, demo, filled, guarded, type Ids, queryOf, stack } from "../../access/every-route.ts";

beforeAll(begin);
afterAll(() => stack.stop());

/** How much there is of everything, and all that is kept of the run and of the operation: runs of other tests may go on. */
async function kept({ workflowRunID = "", operationID = "" }: Ids) {
  const { db, temporal } = stack.deps;
  const counted = ["jobs", "job_versions", "workflows", "workflow_versions", "workflow_runs", "bulk_operations"];
  counted.push("idempotency_keys", "documents", "held_events");
  const ofRun = ["step_runs", "approvals", "event_triggers", "job_runs", "step_attempts", "run_commands"];
  const whole = ["workflow_policies", "webhooks", "approval_links"];
  const columns = [
    ...counted.map((table) => `(select count(*) from ${table}) as ${table}`),
    ...ofRun.map((table) => `(select json_agg(t order by t::text) from ${table} t where run_id = $1) as run_${table}`),
    "(select to_json(run) from workflow_runs run where id = $1) as run",
    ...whole.map((table) => `(select json_agg(t order by t::text) from ${table} t) as all_${table}`),
    "(select sum(round) from webhook_deliveries) as sent_again",
    "(select status from bulk_operations where id = $2) as operation",
    "(select count(*) from run_commands where run_id = $2) as operation_commands",
  ];
  const { rows } = await db.query(`select ${columns.join(", ")}`, [workflowRunID, operationID]);
  const { events } = await temporal.workflow.getHandle(workflowRunID).fetchHistory();
  return { ...rows[0], events: events?.length };
}

const acting = guarded.filter(([, { plans }]) => plans !== undefined);

describe.each(acting)("%s with dryRun", (_, route) => {
  const { body, prepare } = caseOf(route);
  const query = queryOf(route);

  test("answers its plan, by parameter or body, and changes nothing; then it acts", async () => {
    const ids = prepare ? await prepare() : demo;
    const given = (body?.(ids) ?? {}) as object;
    const url = filled(route.path, ids);
    await scenarioOn(stack).rests({ id: ids.workflowRunID ?? "" });
    const before = await kept(ids);
    const options = { headers: { "idempotency-key": "one and the same" } };
    const asked: [string, unknown][] = [
      [`${query}&dryRun=true`, given],
      [query, { ...given, dry_run: true }],
      [`${query}&dryRun=false`, { ...given, dry_run: true }],
      [`${query}&dryRun=true`, { ...given, dry_run: false }],
    ];
    for (const [parameters, json] of asked) {
      const answer = await stack.request(route.method.toUpperCase(), url + parameters, json, options);
      expect(answer).toMatchObject({ status: 200, body: { dry_run: true } });
      expect(answer.headers.get("location")).toBeNull();
    }
    for (const value of ["", "yes", "TRUE", "1", "true&dryRun=false"]) {
      const answer = await stack.request(route.method.toUpperCase(), `${url}${query}&dryRun=${value}`, given, options);
      refused(answer, 400, "validation_error", "dryRun must be true or false");
    }
    for (const dry_run of ["true", 1, {}, []]) {
      const answer = await stack.request(route.method.toUpperCase(), url + query, { ...given, dry_run }, options);
      expect(refused(answer, 400, "validation_error", /./).details).toEqual(["dry_run: must be a boolean"]);
    }
    expect(await kept(ids)).toEqual(before);

    const act = await stack.request(route.method.toUpperCase(), `${url}${query}&dryRun=false`, given, options);
    expect(act.body).not.toHaveProperty("dry_run");
    expect(await kept(ids)).not.toEqual(before);
  });
});

const asking = guarded.filter(([, { method, plans }]) => method !== "get" && plans === undefined);

describe.each(asking)("%s, which has no dry run,", (_, route) => {
  test("changes nothing itself", async () => {
    const { body, prepare } = caseOf(route);
    const ids = prepare ? await prepare() : demo;
    await scenarioOn(stack).rests({ id: ids.workflowRunID ?? "" });
    const before = await kept(ids);
    const url = filled(route.path, ids) + queryOf(route);
    expect(await stack.request(route.method.toUpperCase(), url, body?.(ids))).toMatchObject({ status: 200 });
    expect(await kept(ids)).toEqual(before);
  });
});
