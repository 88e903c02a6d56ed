import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createWorkflow, gate, ok, opens, reaches, trigger } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const labelsOf = async ({ id }: Pick<WorkflowRun, "id">) =>
  (await ok<{ labels: object }>(stack, "GET", `/v1/workflow-runs/${id}/labels`)).labels;

/** As an index finds them. */
const found = async ({ id }: WorkflowRun) => {
  const { rows } = await stack.deps.db.query("select key, value from run_labels where run_id = $1 order by key", [id]);
  return rows;
};

const labels = { branch: "größe/1", ticket: "" };
const labeled = async () => {
  const run = await trigger(stack, await createWorkflow(stack, [gate("a")], { tags: { t: "1" } }), { labels });
  await opens(stack, run, "a");
  return run;
};

describe("labels", () => {
  test("are those of the trigger, and an index finds them", async () => {
    const run = await labeled();
    expect(await labelsOf(run)).toEqual(labels);
    expect(await found(run)).toEqual([
      { key: "branch", value: "größe/1" },
      { key: "ticket", value: "" },
    ]);
  });

  test("of a run without any are an empty map", async () => {
    const workflow = await createWorkflow(stack, [gate("a")]);
    for (const body of [{}, { labels: null }, { labels: {} }]) {
      const run = await trigger(stack, workflow, body);
      expect(await labelsOf(run)).toEqual({});
      expect(await found(run)).toEqual([]);
    }
  });

  test("are kept by a retry and a replay", async () => {
    const run = await labeled();
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    const retried = await ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${run.id}/retry`);
    expect(await labelsOf(retried)).toEqual(labels);
    expect(await found(retried)).toHaveLength(2);
    await reaches(stack, run, "canceled");
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/a/replay-subtree`);
    await opens(stack, run, "a");
    expect(await labelsOf(run)).toEqual(labels);
  });

  test("are not a sub-workflow's", async () => {
    const child = await createWorkflow(stack, [gate("a")]);
    const parent = await createWorkflow(stack, [
      { step_ref: "sub", step_type: "sub_workflow", sub_workflow_id: child.id },
    ]);
    await trigger(stack, parent, { labels });
    const runs = () => ok<WorkflowRun[]>(stack, "GET", `/v1/workflows/${child.id}/runs`);
    expect(await labelsOf(await until(async () => (await runs())[0]))).toEqual({});
  });

  test.each([
    [{ "": "v" }, "label keys must be non-empty"],
    [{ ["k".repeat(65)]: "v" }, "label key too long (max 64 characters)"],
    [{ k: "v".repeat(257) }, "label value too long (max 256 characters)"],
    [{ k: "a\nb" }, "labels must not contain control characters"],
    [Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, "v"])), "too many labels (max 20)"],
  ])("that are out of bounds are refused: %#", async (bad, message) => {
    const workflow = await createWorkflow(stack, [gate("a")]);
    const answer = await stack.request("POST", `/v1/workflows/${workflow.id}/trigger`, { labels: bad });
    refused(answer, 400, "validation_error", message);
  });

  test("of an unknown run, or another project's, are a 404; a parameter is a 400", async () => {
    const run = await labeled();
    const path = (id: string) => `/v1/workflow-runs/${id}/labels`;
    refused(await stack.request("GET", path(uuid())), 404, "not_found", "workflow run not found");
    refused(await stack.request("GET", path("x")), 404, "not_found", "workflow run not found");
    const token = stack.token({ projects: ["other"] });
    const answer = await stack.request("GET", path(run.id), undefined, { token });
    refused(answer, 404, "not_found", "workflow run not found");
    const { details } = refused(await stack.request("GET", `${path(run.id)}?x=1`), 400, "validation_error", /./);
    expect(details).toEqual(["x: unknown parameter"]);
  });
});
