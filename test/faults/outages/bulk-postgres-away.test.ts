import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkItem, BulkOperation } from "../../../src/contract/bulk/operations.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startOwnPostgres } from "../../stack/own-servers.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

const RUNS = 40;

let postgres: Awaited<ReturnType<typeof startOwnPostgres>>;
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  postgres = await startOwnPostgres();
  stack = await startStack({ servers: postgres, logLevel: "silent" });
  on = scenarioOn(stack);
});
afterAll(async () => {
  await stack?.stop();
  await postgres?.remove();
});

test("a bulk operation waits while Postgres is away, and fails no run for it", async () => {
  const workflow = await on.workflow([{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }]);
  const runs = await Promise.all(Array.from({ length: RUNS }, () => on.trigger(workflow)));
  const ids = runs.map(({ id }) => id);
  const body = { operation: "cancel", ids, max_per_second: 10 };
  const { id } = (await stack.request<BulkOperation>("POST", "/v1/bulk-operations", body)).body;
  const get = async () => (await stack.request<BulkOperation>("GET", `/v1/bulk-operations/${id}`)).body;
  await until(async () => (await stack.request<unknown[]>("GET", "/v1/workflow-runs?status=canceled")).body.length > 3);

  await postgres.stop();
  // The chunk fails, and is tried again in vain.
  await until(async () => {
    const { raw } = await stack.deps.temporal.workflow.getHandle(id).describe();
    return (raw.pendingActivities?.[0]?.attempt ?? 0) > 2;
  });
  expect((await stack.request("GET", `/v1/bulk-operations/${id}`)).status).toBe(503);
  await postgres.start();

  await until(async () => (await get()).finished_at !== undefined);
  expect(await get()).toMatchObject({ status: "completed", progress: { total: RUNS, applied: RUNS } });
  const items = await stack.request<BulkItem[]>("GET", `/v1/bulk-operations/${id}/items?limit=100`);
  expect(items.body).toMatchObject(ids.map((workflow_run_id) => ({ workflow_run_id, status: "applied" })));
});
