import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createJob, createWorkflow, gate, ok, work } from "../definitions.ts";
import { workflowWithSteps } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack);
});
afterAll(() => stack.stop());

const clone = ({ id }: { id: string }, body?: unknown, options?: RequestOptions) =>
  stack.request<Workflow>("POST", `/v1/workflows/${id}/clone`, body, options);
const withoutIds = (steps: Workflow["steps"] = []) => steps.map(({ id, workflow_id, created_at, ...step }) => step);

describe("the clone of a workflow", () => {
  test("says the same as the workflow does now, under another name and slug", async () => {
    const source = await createWorkflow(stack, [gate("a")], {
      ...{ description: "d", tags: { team: "a" }, enabled: false, timeout_secs: 60, max_concurrent_runs: 2 },
      ...{ max_parallel_steps: 3, version_policy: "minor" },
    });
    const steps = [gate("a"), work("b", job, { payload: { big: "x".repeat(5_000), n: "{{payload.n}}" } })];
    const now = await ok<Workflow>(stack, "PATCH", `/v1/workflows/${source.id}`, { steps, backwards_compatible: true });
    const copy = answered(await clone(source), 201, workflowWithSteps);
    const { id, version_id, created_at, updated_at, steps: copied, ...settings } = copy;
    expect(settings).toEqual({
      ...{ project_id: "demo", name: `${source.name} (copy)`, slug: `${source.slug}-copy`, version: 1 },
      ...{ description: "d", tags: { team: "a" }, enabled: false, timeout_secs: 60, max_concurrent_runs: 2 },
      ...{ max_parallel_steps: 3, version_policy: "minor", backwards_compatible: true },
      ...{ created_by: "ada", updated_by: "ada" },
    });
    expect(withoutIds(copied)).toEqual(withoutIds(now.steps));
    expect(copied.map((step) => step.workflow_id)).toEqual([id, id]);
    await ok(stack, "DELETE", `/v1/workflows/${source.id}`);
    expect(answered(await stack.request("GET", `/v1/workflows/${id}`), 200, workflowWithSteps)).toEqual(copy);
  });

  test("may be named, and is cut to what names may be", async () => {
    const named = await createWorkflow(stack, [], { name: "n".repeat(255), slug: "s".repeat(128) });
    const copy = answered(await clone(named), 201, workflowWithSteps);
    expect([copy.name, copy.slug]).toEqual([`${"n".repeat(248)} (copy)`, `${"s".repeat(123)}-copy`]);
    const given = { name: "given", slug: uuid() };
    expect(answered(await clone(named, given), 201, workflowWithSteps)).toMatchObject(given);
  });

  test("is planned by a dry run, and refused as it would be", async () => {
    const source = await createWorkflow(stack, [gate("a")]);
    const dry = () => stack.request("POST", `/v1/workflows/${source.id}/clone?dryRun=true`);
    expect(await dry()).toMatchObject({
      status: 200,
      body: { dry_run: true, workflow: { steps: [{ step_ref: "a" }] } },
    });
    answered(await clone(source), 201, workflowWithSteps);
    const message = `workflow with slug "${source.slug}-copy" already exists`;
    for (const answer of [await dry(), await clone(source)]) refused(answer, 409, "conflict", message);
  });

  test("may be another project's: what it calls is looked for there by its slug, and not found by its id", async () => {
    const both = { token: stack.token({ projects: ["demo", "other"] }) };
    const [byId, bySlug] = [
      await createWorkflow(stack, [work("a", job)]),
      await createWorkflow(stack, [{ step_ref: "a", job: job.slug }]),
    ];
    const there = { project_id: "other" };
    const unknown = /^step "a" references unknown job/;
    for (const source of [byId, bySlug]) refused(await clone(source, there, both), 400, "validation_error", unknown);
    const draft = { project_id: "other", name: "j", slug: job.slug, endpoint_url: stack.jobs.url("/") };
    const theirs = await ok<Job>(stack, "POST", "/v1/jobs", draft, both);
    const copy = answered(await clone(bySlug, there, both), 201, workflowWithSteps);
    expect(copy).toMatchObject({ project_id: "other", steps: [{ job: job.slug, job_id: theirs.id }] });
    refused(await clone(bySlug, there), 403, "forbidden", "project_id is not one of your projects");
  });

  test("is a 404 of another project's workflow, and takes nothing else", async () => {
    const source = await createWorkflow(stack, []);
    const theirs = { token: stack.token({ projects: ["other"] }) };
    refused(await clone(source, {}, theirs), 404, "not_found", "workflow not found");
    refused(await clone({ id: uuid() }), 404, "not_found", "workflow not found");
    refused(await clone(source, { steps: [] }), 400, "validation_error", "invalid request body");
    refused(await clone(source, { name: "" }), 400, "validation_error", "validation failed");
  });
});
