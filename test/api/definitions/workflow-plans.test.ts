import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, createWorkflow, gate, type Step, work } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const STEPS = [gate("c", { depends_on: ["b", "a"] }), gate("b"), gate("a"), gate("d", { depends_on: ["a"] })];
const post = ({ id }: { id: string }, path: string, body?: unknown) =>
  stack.request("POST", `/v1/workflows/${id}/${path}`, body);

describe("dry-run of a workflow", () => {
  test("says that its steps are right, or those that it is to have", async () => {
    const made = await createWorkflow(stack, STEPS);
    for (const body of [undefined, {}, { steps: [] }, { steps: null }])
      expect(await post(made, "dry-run", body)).toMatchObject({ status: 200, body: { valid: true, step_count: 4 } });
    const answer = await post(made, "dry-run", { steps: [...STEPS, gate("e", { job_id: uuid() })] });
    expect(answer).toMatchObject({ status: 200, body: { valid: true, step_count: 5 } });
    expect(answer.headers.get("x-ignored-fields")).toBe("steps[4].job_id");
  });

  test.each<[RegExp, Step[]]>([
    [/^duplicate step_ref: a$/, [...STEPS, gate("a")]],
    [/^step cannot depend on itself$/, [...STEPS.slice(1), gate("c", { depends_on: ["c"] })]],
    [/^step "e" references unknown job "/, [...STEPS, { step_ref: "e", job_id: uuid() }]],
    [/^step "e": .*outputs\.x/, [...STEPS, { step_ref: "e", event_key: "{{outputs.x}}" }]],
    [/^removing step_ref "d" is not supported/, STEPS.slice(0, 3)],
  ])("refuses what could not be stored: %s", async (message, steps) => {
    refused(await post(await createWorkflow(stack, STEPS), "dry-run", { steps }), 400, "validation_error", message);
  });

  test("refuses a workflow that has none, and so could not run", async () => {
    const answer = await post(await createWorkflow(stack, []), "dry-run");
    refused(answer, 400, "validation_error", "workflow must have at least one step");
  });

  test("takes nothing else, and is a 404 of an unknown workflow", async () => {
    const made = await createWorkflow(stack, []);
    for (const verb of ["dry-run", "plan", "simulate"]) {
      refused(await post(made, verb, { nope: 1 }), 400, "validation_error", "invalid request body");
      refused(await post(made, `${verb}?dryRun=true`), 400, "validation_error", "unknown query parameter dryRun");
      refused(await post({ id: uuid() }, verb), 404, "not_found", "workflow not found");
    }
  });
});

describe("the plan of a workflow's run", () => {
  test("is the order of its steps, the first by name of those that could come next", async () => {
    const made = await createWorkflow(stack, STEPS);
    expect((await post(made, "plan")).body).toEqual({
      workflow_id: made.id,
      workflow_version: 1,
      step_count: 4,
      roots: ["a", "b"],
      topological_order: ["a", "b", "c", "d"],
    });
    expect((await post(made, "simulate")).body).toMatchObject({
      workflow_id: made.id,
      version: 1,
      predicted_order: ["a", "b", "c", "d"],
      step_count: 4,
    });
  });

  test("leaves out what overrides disable, in either form", async () => {
    const made = await createWorkflow(stack, STEPS);
    for (const step_overrides of [[{ step_ref: "a" }], { a: false }])
      expect((await post(made, "plan", { step_overrides })).body).toMatchObject({
        step_count: 3,
        roots: ["b", "d"],
        topological_order: ["b", "c", "d"],
      });
  });

  test("is refused where there could be no run", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    refused(
      await post(made, "plan", { step_overrides: { x: false } }),
      400,
      "validation_error",
      'step override references unknown step_ref "x"',
    );
    const empty = await createWorkflow(stack, []);
    for (const [workflow, body] of [
      [empty, {}],
      [made, { step_overrides: { a: false } }],
    ] as const)
      refused(await post(workflow, "plan", body), 400, "validation_error", "workflow must have at least one step");
  });
});

describe("a step may name what it calls by its slug", () => {
  test("which is looked up in the project when it is stored, and shown beside the id", async () => {
    const [job, child] = [await createJob(stack), await createWorkflow(stack, [gate("a")])];
    const made = await createWorkflow(stack, [
      { step_ref: "call", job: job.slug },
      { step_ref: "sub", workflow: child.slug },
      { step_ref: "both", job: job.slug, job_id: job.id },
    ]);
    expect(made.steps).toMatchObject([
      { step_type: "job", job: job.slug, job_id: job.id },
      {
        step_type: "sub_workflow",
        workflow: child.slug,
        sub_workflow_id: child.id,
        sub_workflow_version_id: child.version_id,
      },
      { job: job.slug, job_id: job.id },
    ]);
    expect(work("x", job)).not.toHaveProperty("job");
    await stack.request("PATCH", `/v1/workflows/${child.id}`, { slug: uuid() });
    expect((await stack.request("GET", `/v1/workflows/${made.id}`)).body).toEqual(made);
  });

  test("and is refused when there is none in the project, or when it contradicts the id", async () => {
    const [one, two] = [await createJob(stack), await createJob(stack)];
    const theirs = stack.token({ projects: ["other"] });
    const draft = { name: "w", slug: uuid(), steps: [] };
    await stack.request("POST", "/v1/workflows", draft, { token: theirs });
    const create = (step: Step) =>
      stack.request("POST", "/v1/workflows", { name: "w", slug: uuid(), steps: [{ step_ref: "s", ...step }] });
    const refuses = async (step: Step, message: string, detail: string) => {
      expect(refused(await create(step), 400, "validation_error", message).details).toEqual([detail]);
    };
    await refuses({ job: "nope" }, 'step "s" references unknown job "nope"', "steps[0].job: unknown job");
    await refuses(
      { workflow: draft.slug },
      `step "s" references unknown workflow "${draft.slug}"`,
      "steps[0].workflow: unknown workflow",
    );
    await refuses(
      { job: one.slug, job_id: two.id },
      `step "s" has a job_id that is not the job "${one.slug}"`,
      "steps[0].job: contradicts job_id",
    );
  });
});
