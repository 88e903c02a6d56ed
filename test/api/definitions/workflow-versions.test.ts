import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createJob, createWorkflow, gate, ok, trigger, wait, work } from "../definitions.ts";
import { versionId, workflowStep } from "../definition-shapes.ts";
import { answered, envelope, refused } from "../shapes.ts";
import { versionDiff, workflowVersion } from "../version-shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const get = ({ id }: { id: string }, path: string, options?: RequestOptions) =>
  stack.request("GET", `/v1/workflows/${id}/${path}`, undefined, options);
const patch = ({ id }: { id: string }, body: unknown) => ok<Workflow>(stack, "PATCH", `/v1/workflows/${id}`, body);
const UNKNOWN = "ver_000000000000";

describe("the versions of a workflow", () => {
  test("are listed newest first, each as the workflow was", async () => {
    const one = await createWorkflow(stack, [gate("a")], { timeout_secs: 60, description: "one" });
    const two = await patch(one, { name: "two", enabled: false });
    const three = await patch(one, { backwards_compatible: true, slug: uuid() });
    const list = answered(await get(one, "versions"), 200, workflowVersion.array());
    expect(list.map(({ version_id }) => version_id)).toEqual([three.version_id, two.version_id, one.version_id]);
    expect(list[2]).toEqual({
      id: `${one.id}:v1`,
      workflow_id: one.id,
      version: 1,
      version_id: one.version_id,
      project_id: "demo",
      name: one.name,
      slug: one.slug,
      description: "one",
      enabled: true,
      timeout_secs: 60,
      max_concurrent_runs: 0,
      max_parallel_steps: 0,
      created_by: "ada",
      updated_by: "ada",
      created_at: one.updated_at,
    });
    expect(list[1]).toMatchObject({
      version: 2,
      name: "two",
      enabled: false,
      slug: one.slug,
      created_at: two.updated_at,
    });
    expect(list[0]).toMatchObject({ version: 3, slug: three.slug, backwards_compatible: true });
    for (const version of list)
      expect(answered(await get(one, `versions/${version.version_id}`), 200, workflowVersion)).toEqual(version);
  });

  test("come in pages", async () => {
    const made = await createWorkflow(stack, []);
    for (let i = 0; i < 4; i++) await patch(made, {});
    const numbers: number[] = [];
    let path = "versions?limit=2&envelope=true";
    for (
      let cursor: string | undefined = "";
      cursor !== undefined;
      path = `versions?limit=2&envelope=true&cursor=${cursor}`
    ) {
      const page = answered(await get(made, path), 200, envelope(workflowVersion));
      numbers.push(...page.data.map(({ version }) => version));
      cursor = page.next_cursor;
    }
    expect(numbers).toEqual([5, 4, 3, 2, 1]);
    refused(await get(made, "versions?limit=0"), 400, "validation_error", "limit must be a positive integer");
    refused(await get(made, "versions?cursor=x"), 400, "validation_error", "cursor is not one of this list");
  });

  test("have steps of their own", async () => {
    const one = await createWorkflow(stack, [gate("a", { payload: 1 }), gate("b")]);
    const two = await patch(one, { steps: [gate("b"), gate("a"), wait("c", "k")] });
    const stepsOf = async (version = "", query = "") =>
      answered(await get(one, `versions/${version}/steps${query}`), 200, workflowStep.array());
    expect(await stepsOf(one.version_id)).toEqual(one.steps);
    expect(await stepsOf(two.version_id)).toEqual(two.steps);
    expect(await stepsOf(two.version_id, "?limit=2")).toEqual(two.steps?.slice(0, 2));
    const page = answered(
      await get(one, `versions/${two.version_id}/steps?limit=2&envelope=true`),
      200,
      envelope(workflowStep),
    );
    expect(await stepsOf(two.version_id, `?limit=2&cursor=${page.next_cursor}`)).toEqual(two.steps?.slice(2));
    const filtered = await get(one, `versions/${two.version_id}/steps?status=completed`);
    refused(filtered, 400, "validation_error", "unknown query parameter status");
  });

  test("that are unknown, another workflow's, or of another project's workflow are a 404", async () => {
    const [made, other] = [await createWorkflow(stack, []), await createWorkflow(stack, [])];
    for (const version of [UNKNOWN, "nope", "1", `${made.id}:v1`, other.version_id, "%00"]) {
      for (const path of ["", "/steps", "/impact"])
        refused(await get(made, `versions/${version}${path}`), 404, "not_found", "workflow version not found");
      const [from, to] = [`versions/${version}/diff/${made.version_id}`, `versions/${made.version_id}/diff/${version}`];
      refused(await get(made, from), 404, "not_found", "from workflow version not found");
      refused(await get(made, to), 404, "not_found", "to workflow version not found");
    }
    const theirs = { token: stack.token({ projects: ["other"] }) };
    for (const path of ["versions", `versions/${made.version_id}`, "active-versions", "graph"]) {
      refused(await get(made, path, theirs), 404, "not_found", "workflow not found");
      refused(await get({ id: uuid() }, path), 404, "not_found", "workflow not found");
    }
  });
});

describe("the diff of two versions", () => {
  test("says what was added, removed and changed, field by field", async () => {
    const [job, other] = [await createJob(stack), await createJob(stack)];
    const one = await createWorkflow(
      stack,
      [work("a", job, { payload: { n: 1, deep: { x: [1] } } }), gate("b"), work("same", job)],
      { description: "one", timeout_secs: 60 },
    );
    const steps = [
      work("a", other, { payload: { n: 2, deep: { x: [1] } }, retry_max_attempts: 3 }),
      gate("b", { depends_on: ["a"], approval_approvers: ["bob"] }),
      work("same", job),
      wait("c", "key"),
    ];
    const two = await patch(one, { steps, name: "two", description: "", timeout_secs: 0 });
    const diff = answered(await get(one, `versions/${one.version_id}/diff/${two.version_id}`), 200, versionDiff);
    expect(diff).toEqual({
      from_version_id: one.version_id,
      to_version_id: two.version_id,
      added_steps: ["c"],
      removed_steps: [],
      changed_steps: [
        {
          step_ref: "a",
          fields: {
            job_id: { from: job.id, to: other.id },
            payload: { from: { n: 1, deep: { x: [1] } }, to: { n: 2, deep: { x: [1] } } },
            retry_max_attempts: { to: 3 },
          },
        },
        {
          step_ref: "b",
          fields: {
            approval_approvers: { from: ["ada"], to: ["bob"] },
            depends_on: { from: [], to: ["a"] },
          },
        },
      ],
      changed_fields: {
        description: { from: "one" },
        name: { from: one.name, to: "two" },
        timeout_secs: { from: 60, to: 0 },
      },
    });
    const back = answered(await get(one, `versions/${two.version_id}/diff/${one.version_id}`), 200, versionDiff);
    expect(back).toMatchObject({ added_steps: [], removed_steps: ["c"] });
    expect(back.changed_steps[0]?.fields.retry_max_attempts).toEqual({ from: 3 });
  });

  test("is empty where only a version was made, and tells of another order", async () => {
    const one = await createWorkflow(stack, [gate("a"), gate("b")]);
    const two = await patch(one, { steps: [gate("a"), gate("b")] });
    const three = await patch(one, { steps: [gate("b"), gate("a")] });
    const diffOf = async (from?: string, to?: string) =>
      answered(await get(one, `versions/${from}/diff/${to}`), 200, versionDiff);
    const nothing = { added_steps: [], removed_steps: [], changed_steps: [], changed_fields: {} };
    expect(await diffOf(one.version_id, two.version_id)).toEqual({
      ...nothing,
      from_version_id: one.version_id,
      to_version_id: two.version_id,
    });
    expect(await diffOf(two.version_id, three.version_id)).toMatchObject({ ...nothing, step_order: ["b", "a"] });
  });
});

const active = z.strictObject({
  workflow_id: z.uuid(),
  versions: z.array(
    z.strictObject({
      ...{ version_id: versionId, version: z.int(), pending: z.int(), running: z.int() },
      ...{ paused: z.int(), total: z.int() },
    }),
  ),
});
const impact = z.strictObject({ version_id: versionId, matching_runs: z.int(), sampled_runs: z.int() });

test("the open runs of a workflow are counted by version, and its latest runs sampled", async () => {
  const one = await createWorkflow(stack, [gate("a")]);
  const activeNow = async () => answered(await get(one, "active-versions"), 200, active);
  expect(await activeNow()).toEqual({ workflow_id: one.id, versions: [] });
  const [first] = [await trigger(stack, one), await trigger(stack, one)];
  const two = await patch(one, {});
  await trigger(stack, one);
  const of = (version: Workflow, counts: object) => ({
    ...{ version_id: version.version_id, version: version.version, pending: 0, running: 0, paused: 0 },
    ...counts,
  });
  expect((await activeNow()).versions).toEqual([of(two, { running: 1, total: 1 }), of(one, { running: 2, total: 2 })]);
  await stack.withoutWorker(async () => {});
  await ok(stack, "POST", `/v1/workflow-runs/${first?.id}/pause`);
  expect((await activeNow()).versions[1]).toEqual(of(one, { running: 1, paused: 1, total: 2 }));
  await ok(stack, "DELETE", `/v1/workflow-runs/${first?.id}`);
  expect((await activeNow()).versions[1]).toEqual(of(one, { running: 1, total: 1 }));

  const impactOf = async (version: Workflow) =>
    answered(await get(one, `versions/${version.version_id}/impact`), 200, impact);
  expect(await impactOf(one)).toEqual({ version_id: one.version_id, matching_runs: 2, sampled_runs: 3 });
  expect(await impactOf(two)).toEqual({ version_id: two.version_id, matching_runs: 1, sampled_runs: 3 });
});

test("the graph of a workflow is its newest version's", async () => {
  const made = await createWorkflow(stack, [gate("b"), gate("a"), gate("c", { depends_on: ["b", "a"] })]);
  const graph = { workflow_id: made.id, roots: ["a", "b"], adjacency: { a: ["c"], b: ["c"], c: [] } };
  for (const query of ["", "?format=json", "?format=svg", "?format="])
    expect(await get(made, `graph${query}`)).toMatchObject({ status: 200, body: graph });
  const { body } = await get(made, "graph?format=dot");
  expect(body).toEqual({
    workflow_id: made.id,
    roots: ["a", "b"],
    dot: 'digraph workflow {\n  "a" -> "c";\n  "b" -> "c";\n  "c";\n}',
  });
  await patch(made, { steps: [gate("b"), gate("a"), gate("c")] });
  expect((await get(made, "graph")).body).toMatchObject({ roots: ["a", "b", "c"] });
  expect((await get(await createWorkflow(stack, []), "graph")).body).toMatchObject({ roots: [], adjacency: {} });
});
