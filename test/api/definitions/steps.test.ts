import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunGraph } from "../../../src/contract/inspection.ts";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createApp } from "../../../src/http/app.ts";
import { serve } from "../../../src/runtime/http-server.ts";
import { createOn, gate, ok, type Step, work } from "../definitions.ts";
import { workflowWithSteps } from "../definition-shapes.ts";
import { answered, expectProblem, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ worker: false });
});
afterAll(() => stack.stop());

const create = (body: unknown, token?: string) => stack.request<Workflow>("POST", "/v1/workflows", body, { token });
const createOf = createOn(() => stack);

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

  test.each<[Step, string]>([
    [{ step_ref: "a", type: "approval", approvers: [] }, "approvers"],
    [{ step_ref: "a", type: "approval", approvers: ["{{outputs.gone}}"] }, "approvers[0]"],
    [{ ...gate("a"), timeout_secs: -1 }, "timeout_secs"],
    [{ step_ref: "a", ...event, timeout_secs: -1 }, "timeout_secs"],
    [{ step_ref: "a", type: "sleep", sleep_duration: "0s" }, "sleep_duration"],
    [{ step_ref: "a", type: "robot" }, "type"],
    [{ step_ref: "a", step_type: "robot" }, "step_type"],
    [gate("a", { approval_approvers: [] }), "approval_approvers"],
  ])("are told of by the names that they were sent under: %j", async (step, field) => {
    const { status, body } = await stack.request<{ details: string[] }>("POST", "/v1/workflows", {
      ...{ name: "w", slug: uuid(), steps: [step] },
    });
    expect({ status, ...body }).toMatchObject({ status: 400 });
    expect(body.details[0]).toMatch(new RegExp(`^steps\\[0\\]\\.${field.replaceAll(/[[\]]/g, "\\$&")} of step "a": `));
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

  test("have forms of a job's schema's size, and of 65,536 characters together", async () => {
    const approval_form = { type: "object", description: "x".repeat(16_000) };
    const gates = (count: number) => Array.from({ length: count }, (_, n) => gate(`gate-${n}`, { approval_form }));
    expect((await createOf(gates(4))).status).toBe(201);
    const tooLarge = 'step "gate-4": the forms of the workflow have more than 65536 characters';
    refused(await createOf(gates(5)), 400, "validation_error", tooLarge);
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

  test("may be a thousand, may nest, and keep their order wherever they are shown", async () => {
    const refs = Array.from({ length: 1000 }, (_, i) => `s${(i * 7919) % 1000}`);
    const steps = refs.map((ref, i) => gate(ref, { depends_on: refs.slice(Math.max(0, i - 2), i) }));
    const created = answered(await createOf(steps), 201, workflowWithSteps);
    const refsOf = (some: { step_ref: string }[] = []) => some.map(({ step_ref }) => step_ref);
    expect(refsOf(created.steps)).toEqual(refs);
    const path = `/v1/workflows/${created.id}`;
    expect((await ok<Workflow>(stack, "GET", path)).steps).toEqual(created.steps);
    expect(await ok(stack, "GET", `${path}/versions/${created.version_id}/steps`)).toEqual(created.steps);
    const { id } = await ok<{ id: string }>(stack, "POST", `${path}/trigger`);
    expect(refsOf(await ok(stack, "GET", `/v1/workflow-runs/${id}/steps`))).toEqual(refs);
    expect(refsOf((await ok<RunGraph>(stack, "GET", `/v1/workflow-runs/${id}/graph`)).nodes)).toEqual(refs);
  });

  test("of a refused definition leave nothing behind", async () => {
    const slug = uuid();
    expectProblem(await create({ name: "w", slug, steps: [gate("a"), gate("a")] }));
    answered(await create({ name: "w", slug, steps: [gate("a")] }), 201, workflowWithSteps);
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
