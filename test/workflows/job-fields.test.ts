import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, getStep, ok, reaches, runOf, work } from "../api/definitions.ts";
import type { Job } from "../../src/contract/jobs/jobs.ts";
import type { Attempt, WorkflowRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const runOne = (job: Job, step: object = {}, payload?: unknown): Promise<WorkflowRun> =>
  runOf(stack, [work("call", job, { ...step })], {}, { payload });
const duration = ({ started_at = "", finished_at = "" }: WorkflowRun) =>
  (Date.parse(finished_at) - Date.parse(started_at)) / 1000;

describe.concurrent("what a job says of its calls is done:", () => {
  test("its headers are sent, beside those of the server, and not to the fallback", async () => {
    stack.jobs.on("/headers", () => ({ status: 429 }));
    const headers = { "X-Tenant": "acme", authorization: "Bearer s3cret" };
    const fallback_endpoint_url = stack.jobs.url("/headers-fallback");
    await reaches(
      stack,
      await runOne(await createJob(stack, "/headers", { headers, fallback_endpoint_url })),
      "completed",
    );
    const [call] = stack.jobs.callsTo("/headers");
    expect(call?.headers).toMatchObject({ "x-tenant": "acme", authorization: "Bearer s3cret", "x-attempt": "1" });
    const [other] = stack.jobs.callsTo("/headers-fallback");
    expect(other?.headers).toMatchObject({ "x-attempt": "1" });
    for (const name of ["x-tenant", "authorization"]) expect(other?.headers).not.toHaveProperty(name);
  });

  test("a payload against its payload_schema is not sent, and not tried again", async () => {
    const payload_schema = { properties: { order: { properties: { id: { type: "integer" } } } } };
    const job = await createJob(stack, "/payload-schema", { payload_schema, max_attempts: 3 });
    const run = await reaches(stack, await runOne(job, {}, { order: { id: "seven" } }), "failed");
    expect(await getStep(stack, run, "call")).toMatchObject({
      attempt: 1,
      error: "payload.order.id must be integer (payload_schema)",
    });
    expect(stack.jobs.callsTo("/payload-schema")).toEqual([]);
    await reaches(stack, await runOne(job, {}, { order: { id: 7 } }), "completed");
  });

  test("an answer against its result_schema fails the step, and is not asked for again", async () => {
    stack.jobs.on("/result-schema", ({ body }) => ({ body: body as object }));
    const result_schema = { type: "object", required: ["id"], properties: { id: { type: "integer" } } };
    const job = await createJob(stack, "/result-schema", { result_schema, max_attempts: 3 });
    const whole = { output_transform: "id" };
    const run = await reaches(stack, await runOne(job, whole, { id: "seven" }), "failed");
    expect(run.error).toBe("result.id must be integer (result_schema)");
    await reaches(stack, await runOne(job, whole, { other: 1 }), "failed");
    const good = await reaches(stack, await runOne(job, whole, { id: 7 }), "completed");
    expect(await getStep(stack, good, "call")).toMatchObject({ output: 7 });
    expect(stack.jobs.callsTo("/result-schema")).toHaveLength(3);
  });

  test("an empty answer is null to its result_schema", async () => {
    stack.jobs.on("/empty", () => ({ body: "" }));
    const run = await runOne(await createJob(stack, "/empty", { result_schema: { type: "object" } }));
    expect((await reaches(stack, run, "failed")).error).toBe("result must be object (result_schema)");
  });

  test("its retry_strategy says how long to wait, unless the step does", async () => {
    for (const path of ["/custom", "/own"]) stack.jobs.on(path, () => ({ status: 500 }));
    const says = { max_attempts: 3, retry_strategy: "custom", retry_delays_secs: [1, 4] };
    const [custom, own] = [await createJob(stack, "/custom", says), await createJob(stack, "/own", says)];
    const runs = [await runOne(custom), await runOne(own, { retry_backoff: "fixed", retry_initial_delay_secs: 1 })];
    // As planned: what a busy machine adds to it comes to both.
    const [byJob, byStep] = await Promise.all(runs.map(async (run) => duration(await reaches(stack, run, "failed"))));
    expect(byJob).toBeGreaterThan(0.8 + 3.2);
    expect(byStep).toBeLessThan(byJob as number);
  });

  test("its run_ttl_secs cuts off what is under way, and no attempt follows", async () => {
    stack.jobs.hold("/ttl");
    const job = await createJob(stack, "/ttl", { run_ttl_secs: 5, timeout_secs: 60 });
    const run = await reaches(stack, await runOne(job, { retry_max_attempts: 5 }), "failed");
    expect(run.error).toBe("run_ttl_secs is over: 5");
    expect(stack.jobs.callsTo("/ttl")).toHaveLength(1);
    const { job_run_id } = await getStep(stack, run, "call");
    expect(await ok(stack, "GET", `/v1/runs/${job_run_id}`)).toMatchObject({ status: "timed_out", attempt: 1 });
  });

  test("a URL that is put right counts from the next attempt on", async () => {
    stack.jobs.on("/wrong", () => ({ status: 500 }));
    const job = await createJob(stack, "/wrong");
    const run = await runOne(job, { retry_max_attempts: 50, retry_backoff: "fixed" });
    await until(() => stack.jobs.callsTo("/wrong").length > 0);
    await ok(stack, "PATCH", `/v1/jobs/${job.id}`, { endpoint_url: stack.jobs.url("/right") });
    await reaches(stack, run, "completed");
    expect(stack.jobs.callsTo("/right")).toHaveLength(1);
    const attempts = await ok<Attempt[]>(stack, "GET", `/v1/workflow-runs/${run.id}/steps/call/attempts`);
    expect(attempts.map(({ status }) => status)).toEqual([...attempts.slice(1).map(() => "failed"), "completed"]);
  });
});
