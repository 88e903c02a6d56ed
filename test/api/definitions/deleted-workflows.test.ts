import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createWorkflow, gate, getRun, getSteps, ok, opens, reaches, trigger } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const remove = ({ id }: { id: string }, query = "") => stack.request("DELETE", `/v1/workflows/${id}${query}`);
const cancel = (run: WorkflowRun) => ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);

describe("DELETE of a workflow", () => {
  test("answers a 204 without a body, and then it is not there for anything", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const answer = await remove(made);
    expect([answer.status, answer.body]).toEqual([204, ""]);
    expect(answer.headers.get("content-length")).toBeNull();
    expect(answer.headers.get("x-request-id")).toBeTruthy();

    const path = `/v1/workflows/${made.id}`;
    const asked: [method: string, path: string][] = [
      ["GET", path],
      ["PATCH", path],
      ["DELETE", path],
      ["DELETE", `${path}?dryRun=true`],
      ["POST", `${path}/trigger`],
      ["POST", `${path}/clone`],
      ["POST", `${path}/dry-run`],
      ["POST", `${path}/plan`],
      ["POST", `${path}/simulate`],
      ["GET", `${path}/runs`],
      ["GET", `${path}/graph`],
      ["GET", `${path}/versions`],
      ["GET", `${path}/versions/${made.version_id}`],
      ["GET", `${path}/versions/${made.version_id}/steps`],
      ["GET", `${path}/versions/${made.version_id}/impact`],
      ["GET", `${path}/versions/${made.version_id}/diff/${made.version_id}`],
      ["GET", `${path}/active-versions`],
    ];
    for (const [method, url] of asked)
      refused(await stack.request(method, url), 404, "not_found", "workflow not found");
    const listed = await ok<Workflow[]>(stack, "GET", "/v1/workflows?limit=100");
    expect(listed.map(({ id }) => id)).not.toContain(made.id);
  });

  test("is a 404 of what is unknown or another project's", async () => {
    const { id } = await createWorkflow(stack, []);
    refused(await remove({ id: "nope" }), 404, "not_found", "workflow not found");
    const token = stack.token({ projects: ["other"] });
    const theirs = await stack.request("DELETE", `/v1/workflows/${id}`, undefined, { token });
    refused(theirs, 404, "not_found", "workflow not found");
  });

  test("frees the slug", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    await remove(made);
    const again = await createWorkflow(stack, [gate("b")], { slug: made.slug });
    expect(again).toMatchObject({ slug: made.slug, version: 1 });
    expect(again.id).not.toBe(made.id);
  });

  test("waits for its runs: open ones, paused or not, are a conflict", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const run = await trigger(stack, made);
    await opens(stack, run, "a");
    refused(await remove(made), 409, "conflict", "workflow has active runs");
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/pause`);
    for (const query of ["", "?dryRun=true"])
      refused(await remove(made, query), 409, "conflict", "workflow has active runs");
    await cancel(run);
    expect(await remove(made, "?dryRun=true")).toMatchObject({
      status: 200,
      body: { dry_run: true, workflow: { id: made.id } },
    });
    expect((await remove(made)).status).toBe(204);
  });

  test("at the same time as triggers leaves no run that it did not see", async () => {
    for (let round = 0; round < 5; round++) {
      const made = await createWorkflow(stack, [gate("a")]);
      const path = `/v1/workflows/${made.id}/trigger`;
      const asked = Array.from({ length: 6 }, () => stack.request<WorkflowRun>("POST", path));
      const [deletion, ...triggers] = await Promise.all([remove(made), ...asked]);
      const begun = triggers.filter(({ status }) => status === 202);
      if (deletion?.status === 204) expect(begun).toEqual([]);
      else refused(deletion as Awaited<typeof deletion>, 409, "conflict", "workflow has active runs");
      for (const answer of triggers) if (answer.status !== 202) refused(answer, 404, "not_found", "workflow not found");
    }
  });
});

describe("the runs of a deleted workflow", () => {
  test("stay as they are, are listed, and are not retried", async () => {
    const made = await createWorkflow(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    const run = await trigger(stack, made);
    await opens(stack, run, "a");
    await cancel(run);
    const before = [await reaches(stack, run, "canceled"), await getSteps(stack, run)];
    await remove(made);

    expect([await getRun(stack, run), await getSteps(stack, run)]).toEqual(before);
    const listed = await ok<WorkflowRun[]>(stack, "GET", "/v1/workflow-runs?limit=100");
    expect(listed.map(({ id }) => id)).toContain(run.id);
    for (const query of ["", "?dryRun=true"]) {
      const answer = await stack.request("POST", `/v1/workflow-runs/${run.id}/retry${query}`);
      refused(answer, 404, "not_found", "workflow not found");
    }
    const replayed = await stack.request("POST", "/v1/workflow-runs/bulk-replay", { workflow_run_ids: [run.id] });
    expect(replayed.body).toMatchObject({ replayed: 0, failed: 1, results: [{ error: "workflow not found" }] });
  });

  test("fail a sub_workflow step that was to run it", async () => {
    const child = await createWorkflow(stack, [gate("a")]);
    const parent = await createWorkflow(stack, [{ step_ref: "sub", sub_workflow_id: child.id }]);
    await remove(child);
    expect(await reaches(stack, await trigger(stack, parent), "failed")).toMatchObject({
      error: expect.stringContaining(`sub-workflow ${child.id} not found`),
    });
    const again = await stack.request("PATCH", `/v1/workflows/${parent.id}`, {
      steps: [{ step_ref: "sub", sub_workflow_id: child.id }],
    });
    refused(again, 400, "validation_error", `step "sub" references unknown workflow "${child.id}"`);
  });
});
