import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createWorkflow, gate, getRun, getSteps, listed, opens, reaches, runOf, trigger } from "../definitions.ts";
import { answered, bulkCanceled, bulkReplayed, refused } from "../shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await createWorkflow(stack, [gate("gate"), gate("next", { depends_on: ["gate"] })]);
});
afterAll(() => stack.stop());

const ids = (runs: WorkflowRun[]) => runs.map(({ id }) => id);
const post = (verb: "cancel" | "replay", workflow_run_ids: unknown, options?: RequestOptions) =>
  stack.request("POST", `/v1/workflow-runs/bulk-${verb}`, { workflow_run_ids }, options);
const cancel = async (workflow_run_ids: unknown, options?: RequestOptions) =>
  answered(await post("cancel", workflow_run_ids, options), 200, bulkCanceled);
const replay = async (workflow_run_ids: unknown, options?: RequestOptions) =>
  answered(await post("replay", workflow_run_ids, options), 200, bulkReplayed);

const running = (count: number): Promise<WorkflowRun[]> =>
  Promise.all(Array.from({ length: count }, () => trigger(stack, workflow)));
async function canceled(count: number): Promise<WorkflowRun[]> {
  const runs = await running(count);
  await cancel(ids(runs));
  return runs;
}

describe.each(["cancel", "replay"] as const)("bulk-%s", (verb) => {
  const path = `/v1/workflow-runs/bulk-${verb}`;

  test.each(["", "{", "[]", "null", '{"workflow_run_ids": ["a"]} x', '{"workflow_run_ids": "a"}', '{"run_ids": []}'])(
    "refuses the body %s",
    async (body) => {
      refused(await stack.request("POST", path, body), 400, "validation_error", "invalid request body");
    },
  );

  test.each([
    ["{}", "workflow_run_ids: required"],
    ['{"workflow_run_ids": null}', "workflow_run_ids: required"],
    ['{"workflow_run_ids": []}', "workflow_run_ids: must not be empty"],
    [JSON.stringify({ workflow_run_ids: Array(101).fill("x") }), "workflow_run_ids: must have at most 100 entries"],
  ])("refuses %.40s by name: %s", async (body, detail) => {
    const { details } = refused(await stack.request("POST", path, body), 400, "validation_error", "validation failed");
    expect(details).toEqual([detail]);
  });
});

describe("bulk-cancel", () => {
  test("cancels each as a single cancel does, and the list shows it", async () => {
    const runs = await running(5);
    expect(await cancel(ids(runs))).toEqual({ canceled: 5, failed: 0, workflow_run_ids: ids(runs) });
    for (const run of runs) {
      const now = await getRun(stack, run);
      expect(now).toMatchObject({ status: "canceled", error: "canceled by user" });
      expect(await listed(stack, run)).toEqual(now);
      for (const step of await getSteps(stack, run))
        expect(step).toMatchObject({ status: "canceled", error: "workflow canceled by user" });
    }
  });

  test("is not spoiled by a bad id, counts each distinct one, and answers in the order asked", async () => {
    const [a, over, b] = (await running(3)) as [WorkflowRun, WorkflowRun, WorkflowRun];
    await cancel([over.id]);
    const before = await getRun(stack, over);
    const asked = [b.id, "nonsense", over.id, uuid(), a.id, b.id, "", "nonsense", "\u0000", "x".repeat(100_000)];
    const answer = await cancel(asked);
    expect(answer).toEqual({ canceled: 2, failed: 6, workflow_run_ids: [b.id, a.id] });
    expect(await getRun(stack, over)).toEqual(before);
  });

  test("leaves runs that are over as they have ended, however that was", async () => {
    const timed = await runOf(stack, [gate("gate")], { timeout_secs: 1 });
    const [completed, failed] = (await Promise.all([1, 2].map(() => runOf(stack, [gate("gate")])))) as [
      WorkflowRun,
      WorkflowRun,
    ];
    for (const [run, verb] of [
      [completed, "approve"],
      [failed, "reject"],
    ] as const) {
      await opens(stack, run, "gate");
      await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/gate/${verb}`);
    }
    const before = await Promise.all([
      reaches(stack, timed, "timed_out"),
      reaches(stack, completed, "completed"),
      reaches(stack, failed, "failed"),
    ]);
    expect(await cancel(ids(before))).toEqual({ canceled: 0, failed: 3, workflow_run_ids: [] });
    for (const run of before) expect(await getRun(stack, run)).toEqual(run);
  });

  test("does not touch another project's run", async () => {
    const [run] = (await running(1)) as [WorkflowRun];
    const answer = await cancel([run.id], { token: stack.token({ projects: ["other"] }) });
    expect(answer).toEqual({ canceled: 0, failed: 1, workflow_run_ids: [] });
    expect((await getRun(stack, run)).status).toBe("running");
  });

  test("takes a hundred at once", async () => {
    const own = await createWorkflow(stack, [gate("gate")]);
    const runs = await Promise.all(Array.from({ length: 100 }, () => trigger(stack, own)));
    // On a machine under load one or the other is only accepted, and canceled a moment later.
    const { canceled, failed, workflow_run_ids, accepted = [] } = await cancel(ids(runs));
    expect({ told: canceled + accepted.length, failed }).toEqual({ told: 100, failed: 0 });
    const later = new Set(accepted.map(({ workflow_run_id }) => workflow_run_id));
    expect(workflow_run_ids).toEqual(ids(runs).filter((id) => !later.has(id)));
    for (const run of runs.filter(({ id }) => later.has(id))) await reaches(stack, run, "canceled");
    const shown = await stack.request<WorkflowRun[]>("GET", `/v1/workflows/${own.id}/runs?limit=100`);
    expect(shown.body).toHaveLength(100);
    expect(new Set(shown.body.map(({ status }) => status))).toEqual(new Set(["canceled"]));
  });
});

describe("bulk-replay", () => {
  test("retries each as a single retry does, in the order asked, and the list shows it", async () => {
    const runs = await canceled(4);
    const { results, ...counts } = await replay(ids(runs));
    expect(counts).toEqual({ replayed: 4, failed: 0, total: 4 });
    expect(results.map(({ original_run_id }) => original_run_id)).toEqual(ids(runs));
    for (const [i, result] of results.entries()) {
      if (result.status !== "replayed") throw new Error(result.error);
      const made = { ...(runs[i] as WorkflowRun), id: result.new_run_id };
      expect(await getRun(stack, made)).toMatchObject({
        status: "running",
        triggered_by: "retry",
        retry_of_run_id: runs[i]?.id,
      });
      expect(await listed(stack, made)).toBeDefined();
    }
  });

  test("tells the error of each bad id, and is not spoiled by it; duplicates count once", async () => {
    const [good] = (await canceled(1)) as [WorkflowRun];
    const [open] = (await running(1)) as [WorkflowRun];
    const unknown = uuid();
    const { results, ...counts } = await replay([open.id, unknown, good.id, "nonsense", good.id]);
    expect(counts).toEqual({ replayed: 1, failed: 3, total: 4 });
    const NOT_FOUND = "get original workflow run: workflow run not found";
    expect(results).toEqual([
      {
        original_run_id: open.id,
        status: "failed",
        error: `cannot retry workflow run ${open.id}: status is running (must be terminal)`,
      },
      { original_run_id: unknown, status: "failed", error: NOT_FOUND },
      { original_run_id: good.id, status: "replayed", new_run_id: expect.any(String) },
      { original_run_id: "nonsense", status: "failed", error: NOT_FOUND },
    ]);
  });

  test("does not see another project's run", async () => {
    const [run] = (await canceled(1)) as [WorkflowRun];
    const { results } = await replay([run.id], { token: stack.token({ projects: ["other"] }) });
    const error = "get original workflow run: workflow run not found";
    expect(results).toEqual([{ original_run_id: run.id, status: "failed", error }]);
  });

  test("under one idempotency key makes each run once", async () => {
    const runs = await canceled(3);
    const options = { headers: { "Idempotency-Key": uuid() } };
    const once = await replay(ids(runs), options);
    expect(await replay(ids(runs), options)).toEqual(once);
    const other = await replay(ids(runs));
    expect(other.results).not.toEqual(once.results);
  });

  test("lets the replayed runs go on to their end", async () => {
    const [source] = (await canceled(1)) as [WorkflowRun];
    const { results } = await replay([source.id]);
    const again = { ...source, id: results[0]?.status === "replayed" ? results[0].new_run_id : "" };
    for (const ref of ["gate", "next"]) {
      await opens(stack, again, ref);
      await stack.request("POST", `/v1/workflow-runs/${again.id}/steps/${ref}/approve`);
    }
    await reaches(stack, again, "completed");
  });
});
