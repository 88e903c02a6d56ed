import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, createOn, createWorkflow, gate, ok, type Step, work } from "../definitions.ts";
import { workflowWithSteps } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { changedWorkflow, workflowPolicy } from "../version-shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const OFF = { max_fan_out: 0, max_depth: 0, require_approval_for_deploy: false };
const PATH = "/v1/workflow-policies/demo";
const put = (body?: unknown, path = PATH, options?: RequestOptions) => stack.request("PUT", path, body, options);
const create = createOn(() => stack);

describe("a project's policy", () => {
  test("is not there before it is set, and is replaced as a whole", async () => {
    refused(await stack.request("GET", PATH), 404, "not_found", "workflow policy not found");
    const body = { max_fan_out: 3, max_depth: 9, forbidden_step_types: ["Sleep"], require_approval_for_deploy: true };
    expect(await put(body, `${PATH}?dryRun=true`)).toMatchObject({
      status: 200,
      body: { dry_run: true, policy: { project_id: "demo", ...body } },
    });
    refused(await stack.request("GET", PATH), 404, "not_found", "workflow policy not found");

    const made = answered(await put(body), 200, workflowPolicy);
    expect(made).toMatchObject({ project_id: "demo", ...body, updated_at: made.created_at });
    expect(answered(await stack.request("GET", PATH), 200, workflowPolicy)).toEqual(made);
    const off = answered(await put({}), 200, workflowPolicy);
    expect(off).toEqual({
      ...OFF,
      id: made.id,
      project_id: "demo",
      created_at: made.created_at,
      updated_at: off.updated_at,
    });
    expect(answered(await put(undefined), 200, workflowPolicy)).toMatchObject(OFF);
  });

  test("is another project's secret", async () => {
    await put({});
    const theirs = { token: stack.token({ projects: ["other"] }) };
    refused(await put({}, PATH, theirs), 404, "not_found", "workflow policy not found");
    refused(await stack.request("GET", PATH, undefined, theirs), 404, "not_found", "workflow policy not found");
    refused(await put({}, "/v1/workflow-policies/other"), 404, "not_found", "workflow policy not found");
    const everyone = { token: stack.token({ projects: "*" }) };
    answered(await put({ max_depth: 1 }, "/v1/workflow-policies/other", everyone), 200, workflowPolicy);
    answered(await create([gate("a"), gate("b", { depends_on: ["a"] })]), 201, workflowWithSteps);
  });

  test.each([
    [{ max_fan_out: -1 }, ["max_fan_out: must be >= 0"]],
    [{ max_depth: 1.5 }, ["max_depth: must be a whole number"]],
    [{ forbidden_step_types: ["robot"] }, [expect.stringMatching(/^forbidden_step_types\[0\]: must be one of job, /)]],
    [{ forbidden_step_types: "sleep" }, ["forbidden_step_types: must be an array"]],
    [{ require_approval_for_deploy: 1 }, ["require_approval_for_deploy: must be a boolean"]],
    [{ nope: 1 }, ["nope: unknown field"]],
  ])("is refused as %j", async (body, details) => {
    expect(refused(await put(body), 400, "validation_error", /./).details).toEqual(details);
  });
});

describe("what a policy does not allow", () => {
  const deep = [gate("a"), gate("b", { depends_on: ["a"] })];
  const tooDeep = "workflow policy violation: the longest path has 2 steps, more than max_depth 1";

  test("is not stored, nor planned, nor given to a workflow", async () => {
    await put({});
    const made = await createWorkflow(stack, [gate("a")]);
    await put({ max_depth: 1 });
    const path = `/v1/workflows/${made.id}`;
    const asked: [method: string, path: string, body?: unknown][] = [
      ["POST", "/v1/workflows", { name: "w", slug: uuid(), steps: deep }],
      ["POST", "/v1/workflows?dryRun=true", { name: "w", slug: uuid(), steps: deep }],
      ["PATCH", path, { steps: deep }],
      ["PATCH", `${path}?dryRun=true`, { steps: deep }],
      ["POST", `${path}/dry-run`, { steps: deep }],
    ];
    for (const [method, url, body] of asked) {
      const { details } = refused(await stack.request(method, url, body), 400, "validation_error", tooDeep);
      expect(details).toEqual([`steps: ${tooDeep}`]);
    }
    answered(await create([gate("a"), gate("b")]), 201, workflowWithSteps);
  });

  test("stays stored where it was before, and may be changed otherwise, but is not run, copied or planned", async () => {
    await put({});
    const made = await createWorkflow(stack, deep);
    await put({ max_depth: 1 });
    const path = `/v1/workflows/${made.id}`;
    answered(await stack.request("PATCH", path, { name: "other" }), 200, changedWorkflow);
    const override = { step_overrides: [{ step_ref: "b", enabled: false }] };
    for (const body of [{}, override])
      refused(await stack.request("POST", `${path}/trigger`, body), 409, "conflict", tooDeep);
    expect(await stack.request("POST", `${path}/trigger?dryRun=true`)).toMatchObject({
      status: 200,
      body: { refused: [{ code: "conflict", message: tooDeep }] },
    });
    for (const verb of ["clone", "dry-run", "plan", "simulate"])
      refused(await stack.request("POST", `${path}/${verb}`), 400, "validation_error", tooDeep);
    await put({ max_depth: 2 });
    await ok(stack, "POST", `${path}/trigger`);
  });

  test("may be a type, a fan-out, or a deployment that nobody approves", async () => {
    await put({});
    const job = await createJob(stack);
    await put({ forbidden_step_types: ["APPROVAL"], max_fan_out: 1, require_approval_for_deploy: true });
    const refuses = async (steps: Step[], problem: string) =>
      refused(await create(steps), 400, "validation_error", `workflow policy violation: ${problem}`);
    const after = { depends_on: ["a"] };
    await refuses([gate("a")], 'step "a" has the forbidden type approval');
    await refuses(
      [work("a", job), work("b", job, after), work("c", job, after)],
      'step "a" has a fan-out of 2, more than max_fan_out 1',
    );
    await refuses([work("release-eu", job)], 'step "release-eu" deploys, and the workflow has no approval step');
  });
});
