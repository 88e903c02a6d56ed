import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createJob, createOn, createWorkflow, gate, work } from "../definitions.ts";
import { workflow as workflowShape, workflowWithSteps } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack);
});
afterAll(() => stack.stop());

const create = (body: unknown, token?: string) => stack.request<Workflow>("POST", "/v1/workflows", body, { token });
const createOf = createOn(() => stack);

describe("creating a workflow", () => {
  test("answers it whole, and reads back the same", async () => {
    const body = {
      project_id: "demo",
      name: "Release train",
      slug: "release-train",
      description: "build,\nthen deploy",
      tags: { team: "platform" },
      enabled: true,
      timeout_secs: 3600,
      max_concurrent_runs: 5,
      max_parallel_steps: 4,
      version_policy: "pin",
      steps: [
        {
          step_ref: "build",
          step_type: "job",
          job_id: job.id,
          payload: { image: "{{image}}", n: 12345678901234567890n, nothing: null },
          retry_max_attempts: 3,
          retry_backoff: "fixed",
          retry_initial_delay_secs: 1,
          retry_max_delay_secs: 10,
          timeout_secs_override: 60,
          output_transform: "result.id",
          concurrency_key: "builds",
          resource_class: "large",
          event_emit_key: "built-{{image}}",
        },
        {
          step_ref: "approve",
          step_type: "approval",
          approval_approvers: ["ada", "bob"],
          approval_timeout_secs: 600,
          depends_on: ["build"],
          on_failure: "skip_dependents",
          condition: { type: "step_status", step_ref: "build", status: "completed" },
        },
        { step_ref: "paid", step_type: "wait_for_event", event_key: "paid-{{order}}", event_timeout_secs: 60 },
        { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 5, depends_on: ["paid", "approve"] },
      ],
    };
    const answer = await create(body);
    const created = answered(answer, 201, workflowWithSteps);
    const { steps, ...workflow } = created;
    const { steps: given, ...settings } = body;
    expect(workflow).toMatchObject({ ...settings, version: 1, created_by: "ada", updated_by: "ada" });
    expect(steps).toMatchObject(given.map((step) => ({ workflow_id: created.id, ...step })));
    const read = await stack.request("GET", `/v1/workflows/${created.id}`);
    expect(answered(read, 200, workflowWithSteps)).toEqual(created);
    const list = answered(await stack.request("GET", "/v1/workflows"), 200, workflowShape.array());
    expect(list[0]).toEqual(workflow);
  });

  test("fills in the defaults and leaves out what is empty", async () => {
    const { id, slug, version_id, created_at, updated_at, steps, ...rest } = answered(
      await createOf([work("only", job)]),
      201,
      workflowWithSteps,
    );
    expect(rest).toEqual({
      project_id: "demo",
      name: "w",
      enabled: true,
      version: 1,
      version_policy: "pin",
      created_by: "ada",
      updated_by: "ada",
    });
    expect(updated_at).toBe(created_at);
    expect(steps).toEqual([
      {
        id: expect.any(String),
        workflow_id: id,
        step_ref: "only",
        step_type: "job",
        job_id: job.id,
        depends_on: [],
        on_failure: "fail_workflow",
        retry_backoff: "exponential",
        resource_class: "small",
        created_at: expect.any(String),
      },
    ]);
  });

  test("without steps is fine: they are [] and never null", async () => {
    for (const more of [{}, { steps: [] }, { steps: null }])
      expect(answered(await create({ name: "w", slug: uuid(), ...more }), 201, workflowWithSteps).steps).toEqual([]);
  });

  test("needs a name and a slug, and says which is missing", async () => {
    const { details } = refused(await create({}), 400, "validation_error", "validation failed");
    expect(details).toEqual(["name: required", "slug: required"]);
    refused(await create(""), 400, "validation_error", "invalid request body");
    refused(await create(undefined), 400, "validation_error", "invalid request body");
  });

  test("refuses a field nobody knows, by name, wherever it is", async () => {
    const top = refused(
      await create({ name: "w", slug: "s", nope: 1 }),
      400,
      "validation_error",
      "invalid request body",
    );
    expect(top.details).toEqual(["nope: unknown field"]);
    const deep = refused(await createOf([gate("a", { foo: 1 })]), 400, "validation_error", "invalid request body");
    expect(deep.details).toEqual(["steps[0].foo: unknown field"]);
  });

  test("takes what the published SDKs and docs send", async () => {
    const body = {
      name: "w",
      slug: uuid(),
      timezone: "America/New_York",
      ...{ environment_id: "e", max_attempts: 3, retry_strategy: "x", webhook_url: "u", webhook_secret: "s" },
      steps: [
        { step_ref: "gate", type: "approval", approvers: ["ada"], timeout_secs: 60 },
        { step_ref: "paid", type: "wait_for_event", event_key: "k", timeout_secs: 30 },
        { step_ref: "nap", type: "sleep", sleep_duration: "1h30m" },
      ],
    };
    const created = answered(await create(body), 201, workflowWithSteps);
    expect(created).not.toHaveProperty("cron_timezone");
    expect(created.steps).toMatchObject([
      { step_type: "approval", approval_approvers: ["ada"], approval_timeout_secs: 60 },
      { step_type: "wait_for_event", event_timeout_secs: 30 },
      { step_type: "sleep", sleep_duration_secs: 5400 },
    ]);
  });

  test.each([
    ["1.1h", 3_960],
    ["8.2h", 29_520],
    ["2.2d", 190_080],
    ["33.3m2ms", undefined],
    ["1.0000000000000000000000001s", undefined],
    ["0.0005d0.8s", 44],
  ])("a sleep of %s has as many seconds as it says, if they are whole", async (sleep_duration, secs) => {
    const { body } = await createOf([{ step_ref: "nap", type: "sleep", sleep_duration }]);
    if (secs !== undefined) expect(body).toMatchObject({ steps: [{ sleep_duration_secs: secs }] });
    else
      expect(body).toMatchObject({
        details: ['steps[0].sleep_duration: must be a duration of whole seconds, like "90s" or "1h30m"'],
      });
  });

  test("under a slug that the project has is a conflict; another project may have it", async () => {
    await create({ name: "w", slug: "taken" });
    const again = await create({ name: "w", slug: "taken" });
    refused(again, 409, "conflict", 'workflow with slug "taken" already exists');
    const theirs = stack.token({ projects: ["other"] });
    expect(answered(await create({ name: "w", slug: "taken" }, theirs), 201, workflowWithSteps).project_id).toBe(
      "other",
    );
  });

  test("ten times at once under one slug makes one workflow", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create({ name: "w", slug: "raced" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  });

  test("is for the caller's project, and needs one to be named by a caller of several", async () => {
    const body = { name: "w", slug: uuid() };
    const several = stack.token({ projects: ["demo", "other"] });
    refused(await create(body, several), 400, "validation_error", "project_id is required");
    const named = answered(await create({ ...body, project_id: "other" }, several), 201, workflowWithSteps);
    expect(named.project_id).toBe("other");
    const all = stack.token({ projects: "*" });
    refused(await create(body, all), 400, "validation_error", "project_id is required");
    for (const project_id of ["other", "no-such-project"])
      refused(await create({ ...body, project_id }), 403, "forbidden", "project_id is not one of your projects");
  });

  const longKey = "k".repeat(65);
  test.each([
    [{ tags: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, "v"])) }, "too many tags (max 20)"],
    [{ tags: { "": "v" } }, "tag keys must be non-empty"],
    [{ tags: { [longKey]: "v" } }, "tag key too long (max 64 characters)"],
    [{ tags: { k: "é".repeat(129) } }, "tag value too long (max 256 characters)"],
    [{ max_parallel_steps: -1 }, "max_parallel_steps must be >= 0"],
    [{ timeout_secs: -1 }, "timeout_secs must be >= 0"],
    [{ max_concurrent_runs: -1 }, "max_concurrent_runs must be >= 0"],
    [{ cron: "0 9 * * *", cron_timezone: "Mars/Olympus" }, "invalid cron_timezone"],
    [{ cron: "every now and then" }, "invalid cron expression"],
    [{ cron: "0 0 9 * * *" }, "invalid cron expression"],
    [{ version_policy: "newest" }, "validation failed"],
  ])("refuses %.60j", async (over, message) => {
    refused(await create({ name: "w", slug: uuid(), ...over }), 400, "validation_error", message);
  });
});

describe("getting a workflow", () => {
  test("that is unknown, malformed or another project's is one and the same 404", async () => {
    const { id } = await createWorkflow(stack, [gate("gate")]);
    for (const unknown of [uuid(), "string", `${id}0`])
      refused(await stack.request("GET", `/v1/workflows/${unknown}`), 404, "not_found", "workflow not found");
    const token = stack.token({ projects: ["other"] });
    const theirs = await stack.request("GET", `/v1/workflows/${id}`, undefined, { token });
    refused(theirs, 404, "not_found", "workflow not found");
  });
});
