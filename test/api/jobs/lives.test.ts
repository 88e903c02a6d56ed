import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, createWorkflow, gate, ok, opens, reaches, runOf, trigger, work } from "../definitions.ts";
import { job as jobShape } from "../definition-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { jobsOn } from "./changed.ts";
import type { JobBatch, JobHealth } from "../../../src/contract/jobs/jobs.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { changed, post, get } = jobsOn(() => stack);

describe("DELETE", () => {
  const remove = (job: { id: string }, query = "") => stack.request("DELETE", `/v1/jobs/${job.id}${query}`);

  test("is a 204, after which there is no such job, and its slug is free", async () => {
    const job = await createJob(stack);
    expect(await remove(job, "?dryRun=true")).toMatchObject({
      status: 200,
      body: { dry_run: true, job: { id: job.id } },
    });
    const answer = await remove(job);
    expect([answer.status, answer.body]).toEqual([204, ""]);
    for (const [method, path] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["GET", "/versions"],
      ["POST", "/trigger"],
    ] as const)
      refused(await stack.request(method, `/v1/jobs/${job.id}${path}`), 404, "not_found", "job not found");
    await createJob(stack, "/again", { slug: job.slug });
  });

  test("is a conflict while a workflow calls it, and names the workflow", async () => {
    const job = await createJob(stack);
    const workflow = await createWorkflow(stack, [gate("gate"), work("work", job)]);
    for (const query of ["", "?dryRun=true"]) {
      const { details } = refused(await remove(job, query), 409, "conflict", /^job is used by a workflow step/);
      expect(details).toEqual([`workflow "${workflow.slug}" uses it`]);
    }
    await ok(stack, "DELETE", `/v1/workflows/${workflow.id}`);
    expect((await remove(job)).status).toBe(204);
  });

  test("is a conflict while a run is open that may come to it, and not any more after that", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [gate("gate"), work("work", job, { depends_on: ["gate"] })]);
    await opens(stack, run, "gate");
    // As a newer version without the step would have it.
    await stack.deps.db.query("delete from workflows where id = $1", [run.workflow_id]);
    const busy = "job has active runs — cancel them first or wait for completion";
    for (const query of ["", "?dryRun=true"]) refused(await remove(job, query), 409, "conflict", busy);
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/pause`);
    refused(await remove(job), 409, "conflict", busy);
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    expect((await remove(job)).status).toBe(204);
  });

  test("is a conflict while a trigger's run is open", async () => {
    const release = stack.jobs.hold("/deleted");
    const job = await createJob(stack, "/deleted");
    const { id } = await ok<{ id: string }>(stack, "POST", `/v1/jobs/${job.id}/trigger`);
    refused(await remove(job), 409, "conflict", /^job has active runs/);
    release();
    await until(async () => (await ok<{ status: string }>(stack, "GET", `/v1/runs/${id}`)).status === "completed");
    expect((await remove(job)).status).toBe(204);
    expect(await ok(stack, "GET", `/v1/runs/${id}`)).toMatchObject({
      job_id: job.id,
      job_version_id: "",
      status: "completed",
    });
  });
});

test("a deletion and triggers at once leave either the job, or no run of it", async () => {
  stack.jobs.hold("/raced");
  for (let round = 0; round < 5; round++) {
    const job = await createJob(stack, "/raced");
    const [gone, ...made] = await Promise.all([
      stack.request("DELETE", `/v1/jobs/${job.id}`),
      ...[1, 2, 3].map(() => stack.request<{ id: string }>("POST", `/v1/jobs/${job.id}/trigger`)),
    ]);
    const statuses = made.map(({ status }) => status);
    if (gone?.status === 204) expect(new Set(statuses)).toEqual(new Set([404]));
    else expect([gone?.status, new Set(statuses)]).toEqual([409, new Set([201])]);
  }
});

describe("a batch", () => {
  test("makes each job, or says what is wrong with it", async () => {
    const slug = uuid();
    const good = { name: "j", slug, endpoint_url: "http://localhost/x" };
    const jobs = [good, { ...good, slug: "" }, good, { ...good, slug: uuid(), max_attempts: 0, webhook_url: "x" }, 7];
    const plan = await stack.request<JobBatch>("POST", "/v1/jobs/batch?dryRun=true", { jobs });
    expect(plan.body).toMatchObject({ dry_run: true, created: 1, failed: 4 });
    const answer = await stack.request<JobBatch>("POST", "/v1/jobs/batch", { jobs });
    expect(answer.headers.get("x-ignored-fields")).toBe("jobs[3].webhook_url");
    const { results, ...counts } = answer.body;
    expect(counts).toEqual({ created: 1, failed: 4 });
    expect(results).toMatchObject([
      { index: 0, status: "created", job: { slug, version: 1 } },
      {
        index: 1,
        status: "failed",
        code: "validation_error",
        error: "validation failed",
        details: ["slug: must not be empty"],
      },
      { index: 2, status: "failed", code: "conflict", error: expect.stringContaining("already exists") },
      { index: 3, status: "failed", code: "validation_error", error: "max_attempts must be >= 1" },
      { index: 4, status: "failed", code: "validation_error", error: "invalid request body" },
    ]);
    const [first] = results;
    if (first?.status === "created") expect(await get(first.job)).toEqual(first.job);
  });

  test("has 1 to 100 jobs", async () => {
    const batch = (jobs: unknown) => stack.request("POST", "/v1/jobs/batch", { jobs });
    refused(await batch([]), 400, "validation_error", "validation failed");
    refused(await batch(Array(101).fill({})), 400, "validation_error", "validation failed");
    refused(await stack.request("POST", "/v1/jobs/batch", {}), 400, "validation_error", "validation failed");
  });
});

describe("a disabled job", () => {
  test("is not called: its trigger is a conflict, and a step that comes to it fails, and goes on once it is enabled", async () => {
    const job = await createJob(stack, "/disabled");
    const off = answered(await post(`${job.id}/disable`), 200, jobShape);
    expect(off).toMatchObject({ enabled: false, version: 2 });
    expect(answered(await post(`${job.id}/disable`), 200, jobShape)).toEqual(off);
    refused(await post(`${job.id}/trigger`), 409, "conflict", "job is disabled");
    expect(await post(`${job.id}/trigger?dryRun=true`)).toMatchObject({
      body: { refused: [{ code: "conflict", message: "job is disabled" }] },
    });
    const run = await reaches(stack, await runOf(stack, [work("work", job)]), "failed");
    expect(run.error).toBe(`job ${job.id} is disabled`);
    expect(stack.jobs.callsTo("/disabled")).toEqual([]);
    expect(answered(await post(`${job.id}/enable`), 200, jobShape)).toMatchObject({ enabled: true, version: 3 });
    await until(async () => {
      await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/work/retry`);
      return until(async () => {
        const { status } = await ok<{ status: string }>(stack, "GET", `/v1/workflow-runs/${run.id}`);
        return status !== "running" && status;
      }).then((status) => status === "completed");
    });
    expect(await changed(job, { enabled: false })).toMatchObject({ enabled: false, version: 4 });
  });
});

describe("health", () => {
  const health = (job: { id: string }) => ok<JobHealth>(stack, "GET", `/v1/jobs/${job.id}/health`);

  test("tells how the runs of a day ended, of steps and of triggers, and how long they took", async () => {
    const job = await createJob(stack, "/health");
    expect(await health(job)).toEqual({ job_id: job.id, window_secs: 86_400, runs: 0, completed: 0, failed: 0 });
    stack.jobs.on("/health", (_, nth) => (nth === 4 ? { status: 422 } : undefined));
    const workflow = await createWorkflow(stack, [work("work", job)]);
    for (const end of ["completed", "completed", "completed", "failed"] as const)
      await reaches(stack, await trigger(stack, workflow), end);
    const told = await until(async () => {
      const now = await health(job);
      return now.runs === 4 && now;
    });
    expect(told).toMatchObject({ completed: 3, failed: 1, success_rate: 0.75 });
    expect(told.p50_ms).toBeGreaterThan(0);
    expect(told.p95_ms).toBeGreaterThanOrEqual(told.p50_ms as number);
    await stack.deps.db.query("update job_runs set started_at = started_at - interval '25 hours' where job_id = $1", [
      job.id,
    ]);
    expect(await health(job)).toMatchObject({ runs: 0 });
  });
});
