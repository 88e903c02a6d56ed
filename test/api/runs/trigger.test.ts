import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createPool } from "../../../src/store/postgres/pool.ts";
import { inTransaction } from "../../../src/store/postgres/transaction.ts";
import { lockWorkflow } from "../../../src/store/workflows.ts";
import { createJob, createWorkflow, gate, getRun, getSteps, listed, opens, reaches, work } from "../definitions.ts";
import { answered, refused, run as runShape } from "../shapes.ts";
import { taggedWorkflow, triggerOn } from "./triggered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await taggedWorkflow(stack);
});
afterAll(() => stack.stop());

const trigger = triggerOn(() => stack);

describe("triggering", () => {
  test("answers a run that is under way, with its place, and the list shows it", async () => {
    const answer = await trigger(workflow.id);
    const run = answered(answer, 202, runShape);
    expect(answer.headers.get("location")).toBe(`/v1/workflow-runs/${run.id}`);
    expect(run).toMatchObject({ status: "running", triggered_by: "manual", created_by: "ada", workflow_version: 1 });
    for (const absent of ["payload", "error", "finished_at", "expires_at", "max_parallel_steps"])
      expect(run).not.toHaveProperty(absent);
    expect(await listed(stack, answer.body)).toEqual(run);
    expect(await getRun(stack, answer.body)).toEqual(run);
  });

  test("overlays the workflow's tags with the request's", async () => {
    const run = answered(await trigger(workflow.id, { tags: { both: "request", of2: "request" } }), 202, runShape);
    expect(run.tags).toEqual({ of: "workflow", both: "request", of2: "request" });
  });

  test("keeps the payload to the last digit, whatever JSON it is", async () => {
    for (const payload of [
      { n: 12345678901234567890n },
      [1, null],
      "text",
      7,
      false,
      {},
      { deep: { nothing: null } },
    ]) {
      const answer = await trigger(workflow.id, { payload });
      expect(answered(answer, 202, runShape).payload).toEqual(payload);
      expect((await getRun(stack, answer.body)).payload).toEqual(payload);
    }
    expect(answered(await trigger(workflow.id, { payload: null }), 202, runShape)).not.toHaveProperty("payload");
  });

  test("takes no body, an empty one, and all that the published SDKs send", async () => {
    const sdk = { idempotency_key: uuid(), priority: 3, dry_run: false, metadata: { a: 1 }, labels: { l: "1" } };
    for (const body of [undefined, "", {}, sdk, { triggered_by: "" }])
      expect(answered(await trigger(workflow.id, body), 202, runShape).triggered_by).toBe("manual");
  });

  test("of an unknown, malformed or another project's workflow is one and the same 404", async () => {
    for (const id of [uuid(), "string"]) refused(await trigger(id), 404, "not_found", "workflow not found");
    const token = stack.token({ projects: ["other"] });
    refused(await trigger(workflow.id, {}, { token }), 404, "not_found", "workflow not found");
    const several = stack.token({ projects: ["demo", "other"] });
    const answer = await trigger(workflow.id, { project_id: "other" }, { token: several });
    refused(answer, 404, "not_found", "workflow not found");
  });

  test("for a project that is not the caller's is forbidden", async () => {
    const answer = await trigger(workflow.id, { project_id: "other" });
    refused(answer, 403, "forbidden", "project_id is not one of your projects");
    answered(await trigger(workflow.id, { project_id: "demo" }), 202, runShape);
  });

  test("a disabled workflow is a conflict, one without steps a bad request", async () => {
    const disabled = await createWorkflow(stack, [gate("a")], { enabled: false });
    refused(await trigger(disabled.id), 409, "conflict", "workflow is disabled");
    const empty = await createWorkflow(stack, []);
    refused(await trigger(empty.id), 400, "validation_error", "workflow must have at least one step");
  });

  test("refuses bad tags, of the request alone and of both together", async () => {
    refused(await trigger(workflow.id, { tags: { "": "x" } }), 400, "validation_error", "tag keys must be non-empty");
    const nineteen = Object.fromEntries(Array.from({ length: 19 }, (_, i) => [`k${i}`, "v"]));
    refused(await trigger(workflow.id, { tags: nineteen }), 400, "validation_error", "too many tags (max 20)");
  });

  test("refuses a field nobody knows, by name", async () => {
    const { details } = refused(
      await trigger(workflow.id, { payload: 1, paylaod: 2 }),
      400,
      "validation_error",
      "invalid request body",
    );
    expect(details).toEqual(["paylaod: unknown field"]);
  });

  test("leaves no run behind when it is refused", async () => {
    const count = async () => {
      const runs = await stack.request<WorkflowRun[]>("GET", `/v1/workflows/${workflow.id}/runs?limit=100`);
      return runs.body.length;
    };
    const before = await count();
    await trigger(workflow.id, { step_overrides: [{ step_ref: "nope" }] });
    await trigger(workflow.id, { tags: { "": "x" } });
    expect(await count()).toBe(before);
  });
});

describe("step overrides", () => {
  const refsOf = async (run: WorkflowRun) => (await getSteps(stack, run)).map(({ step_ref }) => step_ref);

  test.each([
    [[{ step_ref: "a", enabled: false }], ["b", "c"]],
    [[{ step_ref: "a" }], ["b", "c"]],
    [[{ step_ref: "a", enabled: true }], ["a", "b", "c"]],
    [{ a: false, c: { enabled: false } }, ["b"]],
    [{ a: true }, ["a", "b", "c"]],
    [{}, ["a", "b", "c"]],
  ])("%j runs the steps %j", async (step_overrides, refs) => {
    const answer = await trigger(workflow.id, { step_overrides });
    answered(answer, 202, runShape);
    expect(await refsOf(answer.body)).toEqual(refs);
  });

  test("take a disabled step out of what others wait for", async () => {
    const { body: run } = await trigger(workflow.id, { step_overrides: { a: false } });
    expect(await opens(stack, run, "b")).toMatchObject({ deps_completed: 0, deps_required: 0 });
  });

  test("of one run are not those of the next, nor lost on its retry", async () => {
    const { body: first } = await trigger(workflow.id, { step_overrides: { a: false } });
    const { body: next } = await trigger(workflow.id);
    expect(await refsOf(next)).toEqual(["a", "b", "c"]);
    await stack.request("DELETE", `/v1/workflow-runs/${first.id}`);
    const again = await stack.request<WorkflowRun>("POST", `/v1/workflow-runs/${first.id}/retry`);
    await opens(stack, again.body, "b");
    expect(await refsOf(again.body)).toEqual(["b", "c"]);
  });

  test("that name no step, or leave none, are refused", async () => {
    const unknown = await trigger(workflow.id, { step_overrides: [{ step_ref: "x", enabled: true }] });
    refused(unknown, 400, "validation_error", 'step override references unknown step_ref "x"');
    const none = await trigger(workflow.id, { step_overrides: { a: false, b: false, c: false } });
    refused(none, 400, "validation_error", "workflow must have at least one step");
    for (const step_overrides of [[{ enabled: true }], "a", [1]])
      expect((await trigger(workflow.id, { step_overrides })).status).toBe(400);
  });

  test("are told by the names that they were sent under", async () => {
    const step_overrides = { a: true, b: "no", c: { enabled: 1, on: false } };
    const { status, body } = await trigger(workflow.id, { step_overrides });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      details: [
        "step_overrides.b: must be a boolean",
        "step_overrides.c.enabled: must be a boolean",
        "step_overrides.c.on: unknown field",
      ],
    });
  });
});

describe("max_concurrent_runs", () => {
  test("holds against ten triggers at once; a paused or ended run frees a place", async () => {
    const two = await createWorkflow(stack, [gate("a")], { max_concurrent_runs: 2 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => trigger(two.id)));
    const started = answers.filter(({ status }) => status === 202).map(({ body }) => body);
    expect(started).toHaveLength(2);
    for (const answer of answers)
      if (answer.status !== 202) refused(answer, 409, "conflict", "max concurrent runs reached");

    await stack.request("POST", `/v1/workflow-runs/${started[0]?.id}/pause`);
    answered(await trigger(two.id), 202, runShape);
    refused(await trigger(two.id), 409, "conflict", "max concurrent runs reached");
    await stack.request("DELETE", `/v1/workflow-runs/${started[1]?.id}`);
    answered(await trigger(two.id), 202, runShape);
  });

  test("holds when all connections to PostgreSQL belong to triggers that wait for their turn", async () => {
    const job = await createJob(stack, "/within-limits");
    const many = await createWorkflow(stack, [gate("a"), work("b", job, { depends_on: ["a"] })], {
      max_concurrent_runs: 30,
    });
    const others = createPool(stack.config.databaseUrl);
    onTestFinished(() => others.end());
    const waiting = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    const { answers } = await inTransaction(others, async (client) => {
      await lockWorkflow(client, many.id);
      const answers = Promise.all(Array.from({ length: 30 }, () => trigger(many.id)));
      await until(async () => (await others.query(waiting)).rowCount === stack.deps.db.options.max);
      return { answers };
    });
    for (const answer of await answers) answered(answer, 202, runShape);
    refused(await trigger(many.id), 409, "conflict", "max concurrent runs reached");
  });
});

test("a payload reaches the step's endpoint digit for digit", async () => {
  const job = await createJob(stack, "/digits");
  const { id } = await createWorkflow(stack, [work("only", job, { payload: { copy: "{{n}}" } })]);
  const { body: run } = await trigger(id, { payload: { n: 12345678901234567890n } });
  await reaches(stack, run, "completed");
  expect(stack.jobs.callsTo("/digits")[0]?.body).toMatchObject({
    n: 12345678901234567890n,
    copy: 12345678901234567890n,
  });
});
