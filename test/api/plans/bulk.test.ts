import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkPlan } from "../../../src/contract/bulk/operations.ts";
import { createWorkflow, gate, ok, trigger } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { planOn } from "./planned.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const plan = planOn(() => stack);

describe("the plan of a bulk operation", () => {
  // A worker cannot stop while it acts.
  const ended = (id: string) => stack.deps.temporal.workflow.getHandle(id).result();

  test("counts the runs that match, and names the first hundred in their order", async () => {
    const workflow = await createWorkflow(stack, [gate("a")]);
    const runs = [];
    for (let i = 0; i < 104; i += 8)
      runs.push(...(await Promise.all(Array.from({ length: 8 }, () => trigger(stack, workflow)))));
    const asked = { operation: "cancel", filter: { workflow_id: workflow.id, status: "running" }, reason: "old" };
    const seen = await plan<BulkPlan>("POST", "bulk-operations", asked);
    expect(seen).toMatchObject({ ...asked, dry_run: true, project_id: "demo", total: 104 });
    expect(seen.workflow_run_ids).toHaveLength(100);
    const operation = await ok<{ id: string }>(stack, "POST", "/v1/bulk-operations", asked);
    const items = await ok<{ workflow_run_id: string }[]>(
      stack,
      "GET",
      `/v1/bulk-operations/${operation.id}/items?limit=100`,
    );
    expect(items.map((item) => item.workflow_run_id)).toEqual(seen.workflow_run_ids);
    await ended(operation.id);

    const ids = [...runs, ...runs].map(({ id }) => id);
    const named = await plan<BulkPlan>("POST", "bulk-operations", { operation: "pause", ids });
    expect(named).toMatchObject({ total: 104, workflow_run_ids: ids.slice(0, 100) });
    const unknown = { operation: "pause", filter: { workflow_id: uuid() } };
    refused(
      await stack.request("POST", "/v1/bulk-operations?dryRun=true", unknown),
      400,
      "validation_error",
      /unknown/,
    );
    const none = { operation: "pause", filter: { tag_key: "nobody has it" } };
    expect(await plan("POST", "bulk-operations", none)).toMatchObject({ total: 0, workflow_run_ids: [] });
  });

  test("and of steering one tells what it would be", async () => {
    const ids = Array.from({ length: 50 }, () => uuid());
    const { id } = await ok<{ id: string }>(stack, "POST", "/v1/bulk-operations", {
      operation: "pause",
      ids,
      max_per_second: 1,
    });
    expect(await plan("POST", `bulk-operations/${id}/abort`)).toMatchObject({
      status: "running",
      status_after: "aborted",
    });
    const resume = await stack.request("POST", `/v1/bulk-operations/${id}/resume?dryRun=true`);
    refused(resume, 400, "invalid_state", "bulk operation is not paused");
    expect(await ok(stack, "GET", `/v1/bulk-operations/${id}`)).toMatchObject({ status: "running" });
    await ok(stack, "POST", `/v1/bulk-operations/${id}/abort`);
    await ended(id);
  });
});
