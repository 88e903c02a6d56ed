import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../../src/contract/jobs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createApp } from "../../../src/http/app.ts";
import { serve } from "../../../src/runtime/http-server.ts";
import { createJob, createWorkflow, gate, type Step, work } from "../definitions.ts";
import { answered, expectProblem, refused, workflow as workflowShape, workflowWithSteps } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
let job: Job;
beforeAll(async () => {
  stack = await startStack({ worker: false });
  job = await createJob(stack);
});
afterAll(() => stack.stop());

const create = (body: unknown, token?: string) => stack.request<Workflow>("POST", "/v1/workflows", body, { token });
const createOf = (steps: Step[]) => create({ name: "w", slug: uuid(), steps });

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

describe("a workflow's steps", () => {
  const job_id = uuid();
  const sub = { step_type: "sub_workflow", sub_workflow_id: uuid() };
  const sleep = { step_type: "sleep", sleep_duration_secs: 1 };
  const event = { step_type: "wait_for_event", event_key: "k" };

  test.each<[Step[], string]>([
    [Array.from({ length: 1001 }, (_, i) => gate(`s${i}`)), "workflow cannot have more than 1000 steps"],
    [[{ job_id }], "each step requires step_ref"],
    [[gate("a"), gate("a")], "duplicate step_ref: a"],
    [[{ step_ref: "a" }], "job steps require job_id"],
    [[{ step_ref: "a", step_type: "approval" }], "approval steps require approval_approvers"],
    [[gate("a", { approval_timeout_secs: -1 })], "approval_timeout_secs must be >= 0"],
    [[{ step_ref: "a", step_type: "sub_workflow" }], "sub_workflow steps require sub_workflow_id"],
    [[{ step_ref: "a", ...sub, job_id }], "sub_workflow steps must not have job_id"],
    [[{ step_ref: "a", ...sub, max_nesting_depth: -1 }], "max_nesting_depth must be >= 0"],
    [[{ step_ref: "a", step_type: "wait_for_event" }], "wait_for_event steps require event_key"],
    [[{ step_ref: "a", ...event, event_key: "é".repeat(257) }], "event_key must be at most 512 bytes"],
    [[{ step_ref: "a", step_type: "sleep" }], "sleep steps require sleep_duration_secs > 0"],
    [[gate("a", { timeout_secs_override: -1 })], "timeout_secs_override must be >= 0"],
    [[gate("a", { concurrency_key: "k".repeat(129) })], "concurrency_key must be at most 128 characters"],
    [[gate("a", { resource_class: "huge" })], "resource_class must be one of small, medium, large"],
    [[gate("a", { depends_on: ["a"] })], "step cannot depend on itself"],
    [[gate("a", { depends_on: ["b"] })], 'step "a" depends on unknown step "b"'],
    [[gate("a", { depends_on: [""] })], 'step "a" depends on an empty step_ref'],
    [[gate("a", { depends_on: ["b"] }), gate("b", { depends_on: ["a"] })], "workflow has circular dependencies"],
  ])("are refused in the words that clients know: %.50j", async (steps, message) => {
    const { details } = refused(await createOf(steps), 400, "validation_error", message);
    expect(details).toHaveLength(1);
  });

  test.each<[Step, RegExp]>([
    [gate("ok", { step_type: "robot" }), /^step "ok": step_type must be one of/],
    [gate("ok", { on_failure: "panic" }), /^step "ok": on_failure must be one of/],
    [gate("ok", { retry_backoff: "never" }), /^step "ok": retry_backoff must be one of/],
    [gate("ok", { depends_on: ["root", "root"] }), /^step "ok": depends_on names "root" twice/],
    [gate("ok", { retry_max_attempts: -1 }), /^step "ok": retry_max_attempts must be >= 0/],
    [gate("ok", { retry_initial_delay_secs: -1 }), /^step "ok": retry_initial_delay_secs must be >= 0/],
    [gate("ok", { retry_max_delay_secs: -1 }), /^step "ok": retry_max_delay_secs must be >= 0/],
    [{ step_ref: "ok", ...event, event_timeout_secs: -1 }, /^step "ok": event_timeout_secs must be >= 0/],
    [{ step_ref: "ok", ...event, event_notify_url: "ftp://x" }, /^step "ok": event_notify_url must be/],
    [gate("ok", { condition: { type: "maybe" } }), /^step "ok": /],
    [gate("ok", { condition: { type: "step_status", step_ref: "none", status: "completed" } }), /^step "ok": .*none/],
    [gate("ok", { condition: { type: "regex", left: "a", right: "(" } }), /^step "ok": /],
    [{ step_ref: "ok", job_id }, new RegExp(`^step "ok" references unknown job "${job_id}"`)],
    [{ step_ref: "ok", job_id: "not-an-id" }, /^step "ok" references unknown job "not-an-id"/],
    [{ step_ref: "ok", ...sub }, /^step "ok" references unknown workflow "/],
    [{ step_ref: "a ref", ...sleep }, /^step_ref "a ref" must be letters/],
    [{ step_ref: "x".repeat(129), ...sleep }, /must be at most 128 characters/],
  ])("that could not run are refused by name: %.60j", async (step, message) => {
    const { details } = refused(await createOf([gate("root"), step]), 400, "validation_error", message);
    expect(details).toEqual([expect.stringMatching(/^steps\[1\]\./)]);
  });

  test("may not call another project's job or workflow", async () => {
    const theirs = stack.token({ projects: ["other"] });
    const options = { token: theirs };
    const body = { name: "j", slug: uuid(), endpoint_url: stack.jobs.url("/") };
    const { body: theirJob } = await stack.request<Job>("POST", "/v1/jobs", body, options);
    const { body: theirWorkflow } = await create({ name: "w", slug: uuid() }, theirs);
    refused(
      await createOf([work("a", theirJob)]),
      400,
      "validation_error",
      `step "a" references unknown job "${theirJob.id}"`,
    );
    refused(
      await createOf([{ step_ref: "a", step_type: "sub_workflow", sub_workflow_id: theirWorkflow.id }]),
      400,
      "validation_error",
      `step "a" references unknown workflow "${theirWorkflow.id}"`,
    );
  });

  test("may be a thousand, may nest, and keep their order", async () => {
    const refs = Array.from({ length: 1000 }, (_, i) => `s${(i * 7919) % 1000}`);
    const steps = refs.map((ref, i) => gate(ref, { depends_on: refs.slice(Math.max(0, i - 2), i) }));
    const created = answered(await createOf(steps), 201, workflowWithSteps);
    expect(created.steps.map(({ step_ref }) => step_ref)).toEqual(refs);
  });

  test("of a refused definition leave nothing behind", async () => {
    const slug = uuid();
    expectProblem(await create({ name: "w", slug, steps: [gate("a"), gate("a")] }));
    answered(await create({ name: "w", slug, steps: [gate("a")] }), 201, workflowWithSteps);
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

test("of more steps than configured is refused, of as many is run, although Temporal takes 2 MiB at once", async () => {
  const roomy = await startStack();
  const config = { ...roomy.config, maxSteps: 8_000 };
  const server = await serve(createApp({ ...roomy.deps, config }), "127.0.0.1", 0);
  const send = async <Body>(method: string, path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      ...{ method, body: body && JSON.stringify(body) },
      headers: { authorization: `Bearer ${roomy.token()}` },
    });
    return { status: response.status, body: (await response.json()) as Body };
  };
  const steps = Array.from({ length: 8_001 }, (_, i) => ({
    ...gate(`gate-${i}`),
    depends_on: i === 0 ? [] : ["gate-0"],
  }));
  const of = (count: number) => ({ name: "w", slug: uuid(), steps: steps.slice(0, count) });
  expect(await send("POST", "/v1/workflows", of(8_001))).toMatchObject({
    status: 400,
    body: { error: "workflow cannot have more than 8000 steps" },
  });
  const created = await send<Workflow>("POST", "/v1/workflows", of(8_000));
  expect(created).toMatchObject({ status: 201 });
  const run = await send<{ id: string }>("POST", `/v1/workflows/${created.body.id}/trigger`, {});
  expect(run).toMatchObject({ status: 202 });
  const canceled = await send("DELETE", `/v1/workflow-runs/${run.body.id}`);
  expect(canceled).toMatchObject({ status: 200, body: { status: "canceled" } });
  await server.close();
  await roomy.stop();
});
