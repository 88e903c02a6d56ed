import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { ChangedWorkflow, Workflow } from "../../../src/contract/workflows.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getSteps,
  ok,
  opens,
  reaches,
  type Step,
  trigger,
  work,
} from "../definitions.ts";
import { workflowWithSteps } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { changedWorkflow } from "../version-shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack();
  job = await createJob(stack);
});
afterAll(() => stack.stop());

const patch = (id: string, body?: unknown, options?: RequestOptions) =>
  stack.request<ChangedWorkflow>("PATCH", `/v1/workflows/${id}`, body, options);
const changed = async ({ id }: { id: string }, body?: unknown) => answered(await patch(id, body), 200, changedWorkflow);
const read = (workflow: Workflow) => ok<Workflow>(stack, "GET", `/v1/workflows/${workflow.id}`);
const refsOf = (steps: { step_ref: string }[] = []) => steps.map(({ step_ref }) => step_ref);

describe("PATCH of a workflow", () => {
  test("changes what it names, and nothing else", async () => {
    const made = await createWorkflow(stack, [gate("a"), work("b", job, { payload: { n: 1 } })], {
      description: "before",
      tags: { team: "a" },
      timeout_secs: 60,
      max_parallel_steps: 2,
    });
    const body = {
      name: "after",
      slug: uuid(),
      description: "",
      tags: { team: "b" },
      enabled: false,
      timeout_secs: 0,
      max_concurrent_runs: 7,
      version_policy: "minor",
      backwards_compatible: true,
    };
    const { description, timeout_secs, ...kept } = made;
    const { description: _, timeout_secs: __, ...given } = body;
    const answer = await changed(made, body);
    expect(answer).toEqual({
      ...kept,
      ...given,
      version: 2,
      version_id: expect.not.stringMatching(made.version_id ?? ""),
      updated_at: expect.any(String),
    });
    expect(Date.parse(answer.updated_at)).toBeGreaterThan(Date.parse(made.updated_at));
    expect(await read(made)).toEqual(answer);
  });

  test("makes a version each time, even of nothing; steps that are not given stay the same ones", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const ids = [made.version_id];
    for (const [i, body] of [undefined, {}, { name: null }, { enabled: true }].entries()) {
      const { version, version_id, steps } = await changed(made, body);
      expect([version, steps]).toEqual([i + 2, made.steps]);
      ids.push(version_id);
    }
    expect(new Set(ids).size).toBe(5);
    const { steps } = await changed(made, { steps: [gate("a")] });
    expect(steps[0]?.id).not.toBe(made.steps?.[0]?.id);
  });

  test("by another caller is told as theirs", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const answer = await patch(made.id, {}, { token: stack.token({ sub: "bob" }) });
    expect(answered(answer, 200, changedWorkflow)).toMatchObject({ created_by: "ada", updated_by: "bob" });
  });

  test("twenty times at once makes twenty versions, and loses no change", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const bodies = Array.from({ length: 20 }, (_, i) => (i % 2 ? { timeout_secs: 7 } : { max_parallel_steps: 3 }));
    const answers = await Promise.all(bodies.map((body) => patch(made.id, body)));
    const made20 = answers.map((answer) => answered(answer, 200, changedWorkflow));
    expect(made20.map(({ version }) => version).sort((a, b) => a - b)).toEqual(bodies.map((_, i) => i + 2));
    expect(new Set(made20.map(({ version_id }) => version_id)).size).toBe(20);
    expect(await read(made)).toMatchObject({ version: 21, timeout_secs: 7, max_parallel_steps: 3 });
  });

  test("answers what it would store when it is a dry run, and stores nothing", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const run = await trigger(stack, made);
    const body = { name: "after", steps: [gate("a"), gate("b")] };
    const planned = await stack.request("PATCH", `/v1/workflows/${made.id}?dryRun=true`, body);
    expect(planned).toMatchObject({
      status: 200,
      body: {
        dry_run: true,
        workflow: {
          ...{ name: "after", version: 2, active_runs_on_previous_version: 1, previous_version_id: made.version_id },
          steps: [{ step_ref: "a" }, { step_ref: "b" }],
        },
      },
    });
    expect(await read(made)).toEqual(made);
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
  });

  test("names what of it has no effect", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const answer = await patch(made.id, { timezone: "UTC", steps: [gate("a", { job_id: job.id })] });
    expect(answer.headers.get("x-ignored-fields")).toBe("timezone, steps[0].job_id");
  });
});

describe("runs that exist when their workflow is changed", () => {
  test("keep its version to their end, and are counted as left behind; new ones take the new version", async () => {
    stack.jobs.on("/new", () => ({ body: "new" }));
    const made = await createWorkflow(stack, [gate("gate"), work("work", job, { depends_on: ["gate"] })]);
    const [old, paused] = [await trigger(stack, made), await trigger(stack, made)];
    await Promise.all([opens(stack, old, "gate"), opens(stack, paused, "gate")]);
    await ok(stack, "POST", `/v1/workflow-runs/${paused.id}/pause`);

    const steps = [gate("gate"), work("new", await createJob(stack, "/new")), work("work", job)];
    const next = await changed(made, { steps, timeout_secs: 60 });
    expect(next).toMatchObject({ active_runs_on_previous_version: 2, previous_version_id: made.version_id });
    const current = await trigger(stack, made);
    expect(current).toMatchObject({ workflow_version: 2, workflow_version_id: next.version_id });
    expect(current).toHaveProperty("expires_at");

    await ok(stack, "POST", `/v1/workflow-runs/${old.id}/steps/gate/approve`);
    expect(await reaches(stack, old, "completed")).toMatchObject({
      workflow_version: 1,
      workflow_version_id: made.version_id,
    });
    const stepsOfOld = await getSteps(stack, old);
    expect(refsOf(stepsOfOld)).toEqual(["gate", "work"]);
    expect(stepsOfOld.map((step) => step.workflow_step_id)).toEqual(made.steps?.map(({ id }) => id));
    expect(refsOf(await getSteps(stack, current))).toEqual(["gate", "new", "work"]);

    // Only the version just before counts.
    expect(await changed(made)).toMatchObject({
      active_runs_on_previous_version: 1,
      previous_version_id: next.version_id,
    });
    await ok(stack, "DELETE", `/v1/workflow-runs/${current.id}`);
    const last = await changed(made);
    expect(last).not.toHaveProperty("previous_version_id");
    expect(last).not.toHaveProperty("active_runs_on_previous_version");
  });
});

describe("PATCH of a workflow is refused", () => {
  test("that is unknown, another project's, or deleted: with the same words", async () => {
    const { id } = await createWorkflow(stack, [gate("a")]);
    await ok(stack, "DELETE", `/v1/workflows/${id}`);
    const theirs = stack.token({ projects: ["other"] });
    const { id: ours } = await createWorkflow(stack, [gate("a")]);
    refused(await patch(id, {}), 404, "not_found", "workflow not found");
    refused(await patch("nope", {}), 404, "not_found", "workflow not found");
    refused(await patch(ours, {}, { token: theirs }), 404, "not_found", "workflow not found");
  });

  test("when it leaves a step out", async () => {
    const made = await createWorkflow(stack, [gate("a"), gate("b"), gate("c")]);
    for (const query of ["", "?dryRun=true"]) {
      const answer = await stack.request("PATCH", `/v1/workflows/${made.id}${query}`, { steps: [gate("b")] });
      const message = 'removing step_ref "a" is not supported; disable it with step overrides instead';
      const { details } = refused(answer, 400, "validation_error", message);
      expect(details).toEqual(['steps: step_ref "a" is removed', 'steps: step_ref "c" is removed']);
    }
    expect(await read(made)).toEqual(made);
  });

  test("when it takes a slug that another workflow has", async () => {
    const [one, two] = [await createWorkflow(stack, []), await createWorkflow(stack, [])];
    for (const query of ["", "?dryRun=true"]) {
      const answer = await stack.request("PATCH", `/v1/workflows/${two.id}${query}`, { slug: one.slug });
      refused(answer, 409, "conflict", `workflow with slug "${one.slug}" already exists`);
    }
    expect(await changed(two, { slug: two.slug })).toMatchObject({ version: 2 });
  });

  test.each<[unknown, RegExp, string[]?]>([
    [{ nope: 1 }, /^invalid request body$/, ["nope: unknown field"]],
    [{ project_id: "demo" }, /^invalid request body$/, ["project_id: unknown field"]],
    [{ name: "" }, /^validation failed$/, ["name: must not be empty"]],
    [{ max_parallel_steps: -1 }, /^max_parallel_steps must be >= 0$/],
    [{ tags: { "": "v" } }, /^tag keys must be non-empty$/],
    [{ version_policy: "newest" }, /^validation failed$/],
    [{ backwards_compatible: "yes" }, /^invalid request body$/],
    [{ cron: "now and then" }, /^invalid cron expression$/],
    [{ steps: [gate("a"), gate("a")] }, /^duplicate step_ref: a$/],
    [{ steps: [gate("a", { depends_on: ["a"] })] }, /^step cannot depend on itself$/],
    [{ steps: [{ step_ref: "a", job_id: uuid() }] }, /^step "a" references unknown job "/],
  ])("for %j", async (body, message, details) => {
    const made = await createWorkflow(stack, [gate("a")]);
    const answer = refused(await patch(made.id, body), 400, "validation_error", message);
    if (details) expect(answer.details).toEqual(details);
    expect(answered(await stack.request("GET", `/v1/workflows/${made.id}`), 200, workflowWithSteps)).toEqual(made);
  });

  test("when it would run itself, by id or by slug", async () => {
    const made = await createWorkflow(stack, [gate("a")]);
    const named: [field: string, Step][] = [
      ["sub_workflow_id", { sub_workflow_id: made.id }],
      ["workflow", { workflow: made.slug }],
    ];
    for (const [field, step] of named) {
      const steps = [gate("a"), { step_ref: "b", step_type: "sub_workflow", ...step }];
      const answer = await patch(made.id, { steps });
      const { details } = refused(answer, 400, "validation_error", 'step "b" must not run its own workflow');
      expect(details).toEqual([`steps[1].${field}: is this workflow`]);
    }
  });
});
