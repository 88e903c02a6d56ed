import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, gate, ok, work } from "../definitions.ts";
import { refused } from "../shapes.ts";
import { planOn } from "./planned.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const plan = planOn(() => stack);

describe("the plan of a definition", () => {
  test("is what would be stored, or why it would not be", async () => {
    const job = await createJob(stack, "/x");
    const body = { name: "w", slug: uuid(), steps: [work("a", job, { payload: { big: "x".repeat(2_000) } })] };
    const seen = await plan<{ workflow: { steps: object[] } }>("POST", "workflows", body);
    const made = await ok<typeof seen.workflow>(stack, "POST", "/v1/workflows", body);
    expect(made).toMatchObject(seen.workflow);
    expect(seen.workflow.steps[0]).toMatchObject({ step_ref: "a", payload: { big: expect.any(String) } });
    for (const known of ["id", "version_id", "created_at"]) expect(seen.workflow).not.toHaveProperty(known);
    const again = await stack.request("POST", "/v1/workflows?dryRun=true", body);
    refused(again, 409, "conflict", `workflow with slug "${body.slug}" already exists`);
    const bad = { ...body, slug: uuid(), steps: [gate("a", { depends_on: ["b"] })] };
    refused(await stack.request("POST", "/v1/workflows?dryRun=true", bad), 400, "validation_error", /unknown step "b"/);
  });

  test("of a job too", async () => {
    const body = { name: "j", slug: uuid(), endpoint_url: stack.jobs.url("/x"), max_attempts: 2 };
    const seen = await plan<{ job: object }>("POST", "jobs", body);
    expect(await ok(stack, "POST", "/v1/jobs", body)).toMatchObject(seen.job);
    expect(seen.job).not.toHaveProperty("id");
    const again = await stack.request("POST", "/v1/jobs?dryRun=true", body);
    refused(again, 409, "conflict", `job with slug "${body.slug}" already exists: job slug conflict`);
  });
});
