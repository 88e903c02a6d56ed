import { setTimeout as pauseFor } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkItem, BulkOperation } from "../../src/contract/bulk/operations.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Workflow } from "../../src/contract/workflows.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";

/** Of the moments of a run's first 150 ms. */
const MOMENTS_MS = Array.from({ length: 26 }, (_, i) => i * 6);
const AT_ONCE = 3;
const TAGS = { of: "tree" };

let stack: Stack;
let on: Scenario;
let tree: Workflow;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
  stack.jobs.on("/node", async () => {
    await pauseFor(10);
    return {};
  });
  const sub = ({ id }: Workflow) => ({ step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: id });
  const gate = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"], depends_on: ["a4"] };
  const calls = ["a0", "a1", "a2", "a3", "a4"].map((step_ref, i) => ({
    step_ref,
    calls: "/node",
    depends_on: i === 0 ? [] : [`a${i - 1}`],
  }));
  const tags = { tags: TAGS };
  const leaf = await on.workflow([...calls, gate], tags);
  const middle = await on.workflow([...calls, gate, sub(leaf)], tags);
  tree = await on.workflow([...calls, gate, sub(middle), { ...sub(middle), step_ref: "other" }], tags);
});
afterAll(() => stack.stop());

/** When the calls of a tree came, whichever of its runs made them. */
const callsOf = (n: number) => stack.jobs.calls.filter(({ body }) => (body as { n?: unknown } | undefined)?.n === n);

/** Every run, of every tree. */
async function allRuns(): Promise<WorkflowRun[]> {
  const found: WorkflowRun[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const path: string = `/v1/workflow-runs?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { body, headers } = await stack.request<WorkflowRun[]>("GET", path);
    found.push(...body);
    cursor = headers.get("x-next-cursor");
  }
  return found;
}

test("once a cancel is answered 200, at any moment, no sub-workflow makes a call", async () => {
  const moments = [...MOMENTS_MS.entries()];
  const answered: { n: number; at: number; status: number }[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = moments.pop(); next; next = moments.pop()) {
        const [n, after] = next;
        const { id } = await on.trigger(tree, { payload: { n } });
        await pauseFor(after);
        const { status } = await stack.request("DELETE", `/v1/workflow-runs/${id}`);
        answered.push({ n, at: Date.now(), status });
      }
    }),
  );
  expect(answered.filter(({ status }) => status === 200).length).toBeGreaterThan(MOMENTS_MS.length / 2);
  await until(async () => (await allRuns()).every(({ status }) => status === "canceled"));
  const late = answered.flatMap(({ n, at, status }) =>
    status === 200
      ? callsOf(n)
          .filter((call) => call.at > at)
          .map((call) => ({ n, ms: call.at - at }))
      : [],
  );
  expect(late).toEqual([]);
});

test("many runs and their sub-workflows, canceled by their tag: each is canceled, none fails for its sub-workflow", async () => {
  const before = new Set((await allRuns()).map(({ id }) => id));
  const tops = await Promise.all(Array.from({ length: 6 }, () => on.trigger(tree, { payload: { n: -1 } })));
  await until(async () => (await allRuns()).length >= before.size + tops.length * 5);
  const body = { operation: "cancel", filter: { tag_key: "of", status: "running" } };
  const { body: operation } = await stack.request<BulkOperation>("POST", "/v1/bulk-operations", body);
  const path = `/v1/bulk-operations/${operation.id}`;
  await until(async () => (await stack.request<BulkOperation>("GET", path)).body.finished_at);
  const { body: items } = await stack.request<BulkItem[]>("GET", `${path}/items?limit=100`);
  expect(items.filter(({ status }) => status !== "applied")).toEqual([]);
  expect(new Set((await allRuns()).map(({ status }) => status))).toEqual(new Set(["canceled"]));
});

test("so does a bulk cancel by ids, sub-workflows first", async () => {
  const before = new Set((await allRuns()).map(({ id }) => id));
  const tops = await Promise.all(Array.from({ length: 4 }, () => on.trigger(tree, { payload: { n: -2 } })));
  const news = async () => (await allRuns()).filter(({ id }) => !before.has(id));
  await until(async () => (await news()).length === tops.length * 5);
  const ids = (await news()).map(({ id }) => id);
  const answer = await stack.request("POST", "/v1/workflow-runs/bulk-cancel", { workflow_run_ids: ids });
  expect(answer).toMatchObject({ status: 200, body: { canceled: ids.length, failed: 0, workflow_run_ids: ids } });
  expect(new Set((await news()).map(({ status }) => status))).toEqual(new Set(["canceled"]));
});
