import { expect, test } from "vitest";
import type { BulkItem, BulkOperation } from "../../../src/contract/bulk/operations.ts";
import { startOwnPostgres } from "../../stack/own-servers.ts";
import { GATE } from "../../stack/step-drafts.ts";
import { until } from "../../stack/until.ts";
import { stackOver } from "./own-server.ts";

const RUNS = 40;

const own = stackOver(startOwnPostgres);

test("a bulk operation waits while Postgres is away, and fails no run for it", async () => {
  const { server: postgres, stack, on } = own;
  const workflow = await on.workflow([GATE]);
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
