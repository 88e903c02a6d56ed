import { afterAll, beforeAll, expect, test } from "vitest";
import { type Json, stringifyJson } from "../../../src/contract/json.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createWorkflow, gate, ok, trigger } from "../definitions.ts";
import { answered, run } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const PAYLOADS: Record<string, Json | undefined> = {
  "is absent": undefined,
  "is null": null,
  "is empty": "",
  "has more digits than a double": { id: 12345678901234567890n, deep: [[-9007199254740993n]] },
  "has every character": { '\u001f\u0000"\\': "\u0001 \u001f, \u2028 é 😀 \ud800" },
  "is long, and kept by reference": { text: "é".repeat(3_000), id: 12345678901234567890n },
};
const ERRORS = [
  "",
  "plain",
  'a "quoted" one,\nof \\ two lines',
  "with \u001f separators \u001f\u001f",
  "\u001f",
  "é😀",
];

test.each(Object.entries(PAYLOADS))("a run whose payload %s is in a list as by itself", async (_, payload) => {
  const workflow = await createWorkflow(stack, [gate("gate")], { max_parallel_steps: payload === null ? 0 : 3 });
  const tags = payload === null ? {} : { "a,b": 'x"\\ y', 'é"': "{}" };
  const { id } = await trigger(stack, workflow, { payload, tags, triggered_by: 'the "other" \\ one, 😀' });
  const path = `/v1/workflow-runs/${id}`;
  for (const [i, error] of ERRORS.entries()) {
    // Closed, as the mirror would write it: with no worker to ask, both are read from there.
    await stack.deps.db.query(
      `update workflow_runs set status = 'failed', error = $2, created_at = '2026-03-02T10:00:00.1Z',
         started_at = '2026-03-02T10:00:00Z', finished_at = '2026-03-02T10:00:00.120Z', expires_at = $3,
         retry_of_run_id = $4, parent_workflow_run_id = $4, parent_step_run_id = $4
       where id = $1`,
      [id, error, i % 2 ? "11999-01-01T00:00:00Z" : null, i % 2 ? id : null],
    );
    const alone = await ok<WorkflowRun>(stack, "GET", path);
    const list = await stack.request<WorkflowRun[]>("GET", `/v1/workflows/${workflow.id}/runs`);
    expect(list.body).toEqual([alone]);
    expect(alone).toMatchObject({ created_at: "2026-03-02T10:00:00.1Z", started_at: "2026-03-02T10:00:00Z" });
    expect(alone.error).toBe(error || undefined);
    expect(stringifyJson(alone.payload)).toBe(stringifyJson(payload === null ? undefined : payload));
    if (i % 2 === 0) answered(list, 200, run.array());
  }
});
