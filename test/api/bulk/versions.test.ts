import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkPlan } from "../../../src/contract/bulk/operations.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createJob, createWorkflow, getRun, ok, reaches, work } from "../definitions.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { ids, operationsOn, PATH } from "./operations.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
const { create, items, ended, started } = operationsOn(
  () => stack,
  () => {
    throw new Error("each test names its workflow");
  },
);

test("retry in place and replay go on in the newest version where that is asked for, and say which runs can't", async () => {
  stack.jobs.on("/wrong", () => ({ status: 404, body: "no such page" }));
  const [kept, wrong, right] = await Promise.all(["/first", "/wrong", "/right"].map((path) => createJob(stack, path)));
  if (!kept || !wrong || !right) throw new Error("no jobs");
  const steps = (job: typeof wrong) => [
    work("kept", kept),
    work("left", job, { depends_on: ["kept"], on_failure: "continue" }),
    work("last", job, { depends_on: ["kept"] }),
  ];
  const own = await createWorkflow(stack, steps(wrong));
  const [third, ...runs] = (await started(3, own)) as [WorkflowRun, ...WorkflowRun[]];
  const other = await createWorkflow(stack, [work("kept", kept), work("gone", wrong, { depends_on: ["kept"] })]);
  const [stuck] = (await started(1, other)) as [WorkflowRun];
  for (const run of [third, ...runs, stuck]) await reaches(stack, run, "failed");
  const mended = (of: Workflow, to: object[]) => ok(stack, "PATCH", `/v1/workflows/${of.id}`, { steps: to });
  await mended(own, steps(right));
  await mended(other, [
    work("new", right),
    work("kept", kept, { depends_on: ["new"] }),
    work("gone", right, { depends_on: ["kept"] }),
  ]);

  const asked = { operation: "retry", ids: ids([...runs, stuck]), version: "latest" };
  const refusal = { workflow_run_id: stuck.id, code: "conflict" };
  expect(await ok<BulkPlan>(stack, "POST", `${PATH}?dryRun=true`, asked)).toMatchObject({
    version: "latest",
    total: 3,
    refused: [refusal],
  });
  const operation = await create(asked);
  expect(await ended(operation)).toMatchObject({ version: "latest", progress: { applied: 2, failed: 1 } });
  expect(await items(operation, "status=failed")).toMatchObject([refusal]);
  for (const run of runs) {
    await reaches(stack, run, "completed");
    expect(await getRun(stack, run)).toMatchObject({ workflow_version: 2 });
  }
  for (const [version, workflow_version] of [
    ["pin", 1],
    ["latest", 2],
  ]) {
    const replay = await create({ operation: "replay", ids: [third.id], version });
    await ended(replay);
    const [{ new_run_id: id } = {}] = await items(replay);
    expect(await ok(stack, "GET", `/v1/workflow-runs/${id}`)).toMatchObject({ workflow_version });
  }
});
