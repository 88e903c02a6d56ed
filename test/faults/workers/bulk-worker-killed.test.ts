import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkItem, BulkOperation } from "../../../src/contract/bulk/operations.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { startWorkerProcess } from "../../stack/processes.ts";
import { type Scenario, scenarioOn } from "../../stack/scenario.ts";
import { until } from "../../stack/until.ts";

const RUNS = 60;

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const create = async (body: object) =>
  (await stack.request<BulkOperation>("POST", "/v1/bulk-operations", { ...body, max_per_second: 40 })).body;
const get = async ({ id }: { id: string }) =>
  (await stack.request<BulkOperation>("GET", `/v1/bulk-operations/${id}`)).body;
const items = async ({ id }: { id: string }) =>
  (await stack.request<BulkItem[]>("GET", `/v1/bulk-operations/${id}/items?limit=100`)).body;
const ended = (operation: { id: string }) => until(async () => (await get(operation)).status === "completed");

const cancellationsOf = async (id: string) => {
  const { events } = await stack.deps.temporal.workflow.getHandle(id).fetchHistory();
  return (events ?? []).filter((event) => event.workflowExecutionCancelRequestedEventAttributes).length;
};

test("a bulk operation whose worker dies half-way does the rest, each run once, and says so one by one", async () => {
  const workflow = await on.workflow([{ step_ref: "gate", step_type: "approval", approval_approvers: ["ada"] }]);
  let worker = await startWorkerProcess(stack);
  const runs = await Promise.all(Array.from({ length: RUNS }, () => on.trigger(workflow)));
  const ids = runs.map(({ id }) => id);
  const inStatus = async (status: string) =>
    (await stack.request<unknown[]>("GET", `/v1/workflow-runs?limit=100&status=${status}`)).body.length;
  const killedHalfWay = async (operation: { id: string }, status: string) => {
    // In the middle of a chunk: what was done of it is told by nobody but the runs.
    await until(async () => (await inStatus(status)) > 10);
    await worker.kill();
    const { progress } = await get(operation);
    expect(progress.applied).toBeLessThan(await inStatus(status));
    worker = await startWorkerProcess(stack);
    await ended(operation);
  };

  for (const [operation, status] of [
    ["pause", "paused"],
    ["cancel", "canceled"],
  ] as const) {
    const created = await create({ operation, ids });
    await killedHalfWay(created, status);
    expect(await get(created)).toMatchObject({
      progress: { total: RUNS, pending: 0, applied: RUNS, skipped: 0, failed: 0 },
    });
    expect(await items(created)).toMatchObject(ids.map((id) => ({ workflow_run_id: id, status: "applied" })));
    expect(await inStatus(status)).toBe(RUNS);
  }
  for (const id of ids) expect(await cancellationsOf(id)).toBe(1);

  const replay = await create({ operation: "replay", ids });
  await killedHalfWay(replay, "running");
  const made = (await items(replay)).map(({ new_run_id }) => new_run_id);
  expect(new Set(made).size).toBe(RUNS);
  // No run was made that is nobody's outcome.
  expect(await inStatus("running")).toBe(RUNS);
  await worker.stop();
});
