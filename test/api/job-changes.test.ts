import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, createWorkflow, gate, ok, opens, reaches, runOf, trigger, work } from "./definitions.ts";
import { answered, job as jobShape, refused } from "./shapes.ts";
import type { Job, JobBatch, JobHealth } from "../../src/contract/jobs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const change = (job: { id: string }, body: unknown, query = "") =>
  stack.request("PATCH", `/v1/jobs/${job.id}${query}`, body);
const changed = async (job: { id: string }, body: unknown) => answered(await change(job, body), 200, jobShape);
const post = (path: string, body?: unknown) => stack.request("POST", `/v1/jobs/${path}`, body);
const get = (job: { id: string }) => ok<Job>(stack, "GET", `/v1/jobs/${job.id}`);
const versions = (job: { id: string }, query = "") =>
  stack.request<Job[]>("GET", `/v1/jobs/${job.id}/versions${query}`);

describe("PATCH", () => {
  test("changes what it names, makes a version of it, and leaves the rest as it was", async () => {
    const job = await createJob(stack, "/a", {
      description: "first",
      tags: { team: "a" },
      headers: { "X-Tenant": "a" },
    });
    const body = {
      name: "renamed",
      endpoint_url: stack.jobs.url("/b"),
      max_attempts: 7,
      retry_strategy: "custom",
      retry_delays_secs: [1, 5],
      run_ttl_secs: 60,
      payload_schema: { type: "object" },
      result_schema: { type: "object", properties: { "\u0000": { const: 12345678901234567890n } } },
    };
    const next = await changed(job, body);
    expect(next).toEqual({ ...job, ...body, version: 2, version_id: next.version_id, updated_at: next.updated_at });
    expect(next.version_id).not.toBe(job.version_id);
    expect(next.updated_at >= job.updated_at).toBe(true);
    expect(await get(job)).toEqual(next);
  });

  test("with nothing in it is a version, too; an empty value takes away what may be absent", async () => {
    const job = await createJob(stack, "/a", {
      description: "x",
      tags: { a: "b" },
      headers: { a: "b" },
      run_ttl_secs: 5,
    });
    const empty = await changed(job, { description: "", tags: {}, headers: {}, run_ttl_secs: 0, name: null });
    const { description, tags, headers, run_ttl_secs, ...rest } = job;
    expect(empty).toEqual({ ...rest, version: 2, version_id: empty.version_id, updated_at: empty.updated_at });
    expect(await changed(job, {})).toMatchObject({ version: 3 });
    expect(answered(await stack.request("PATCH", `/v1/jobs/${job.id}`), 200, jobShape)).toMatchObject({ version: 4 });
  });

  test("of several at once are versions one after the other, and none is lost", async () => {
    const job = await createJob(stack);
    const names = ["description", "name"].flatMap((field) => [1, 2, 3].map((n) => ({ [field]: `${field} ${n}` })));
    await Promise.all(names.map((body) => changed(job, body)));
    const told = answered(await versions(job), 200, jobShape.array());
    expect(told.map(({ version }) => version)).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(told[0]).toEqual(await get(job));
    expect(told[0]).toMatchObject({
      name: expect.stringMatching(/^name/),
      description: expect.stringMatching(/^desc/),
    });
  });

  test("says who made it, in the project of the job", async () => {
    const job = await createJob(stack);
    const token = stack.token({ sub: "bob", projects: ["demo", "other"] });
    const body = (project_id: string) => stack.request("PATCH", `/v1/jobs/${job.id}`, { project_id }, { token });
    expect(answered(await body("demo"), 200, jobShape)).toMatchObject({ created_by: "ada", updated_by: "bob" });
    refused(await body("other"), 400, "validation_error", "a job stays in its project");
    refused(await body("foreign"), 403, "forbidden", "project_id is not one of your projects");
  });

  test.each([
    [{ max_attempts: 0 }, "max_attempts must be >= 1"],
    [{ name: "" }, "validation failed"],
    [{ endpoint_url: "nonsense" }, "invalid endpoint_url: uRL must be an http or https URL"],
    [{ retry_delays_secs: [1] }, "retry_delays_secs needs retry_strategy custom"],
    [{ retry_strategy: "fixed", retry_delays_secs: [1] }, "retry_delays_secs needs retry_strategy custom"],
    [{ retry_strategy: "custom" }, "retry_strategy custom needs retry_delays_secs"],
    [{ payload_schema: { type: "text" } }, "invalid payload_schema: type must match a schema in anyOf"],
    [
      { result_schema: { $ref: "http://x.test/" } },
      "invalid result_schema: can't resolve reference http://x.test/ from id #",
    ],
    [{ headers: { Host: "x" } }, "validation failed"],
    [{ headers: { a: "1", A: "2" } }, "headers must not repeat a name"],
    [{ cron: "@daily" }, "cron is not supported yet"],
    [{ nope: 1 }, "invalid request body"],
  ])("refuses %.70j, and stores nothing", async (body, message) => {
    const job = await createJob(stack);
    for (const query of ["", "?dryRun=true"]) refused(await change(job, body, query), 400, "validation_error", message);
    expect(await get(job)).toEqual(job);
  });

  test("to a slug that is taken is a conflict", async () => {
    const [one, other] = [await createJob(stack), await createJob(stack)];
    for (const query of ["", "?dryRun=true"])
      refused(await change(one, { slug: other.slug }, query), 409, "conflict", /^job with slug ".*" already exists/);
    expect(await changed(one, { slug: one.slug })).toMatchObject({ version: 2 });
  });

  test("dryRun answers what would be stored, and stores nothing", async () => {
    const job = await createJob(stack);
    const answer = await change(job, { name: "other", backwards_compatible: true }, "?dryRun=true");
    expect(answer).toMatchObject({ status: 200, body: { dry_run: true, job: { name: "other", version: 2 } } });
    expect(answer.headers.get("x-ignored-fields")).toBe("backwards_compatible");
    expect(await get(job)).toEqual(job);
  });
});

describe("versions", () => {
  test("are what the job was each time, in pages", async () => {
    const job = await createJob(stack);
    const all = [job, await changed(job, { name: "two" }), await changed(job, { name: "three" })].reverse();
    expect(answered(await versions(job), 200, jobShape.array())).toEqual(all);
    const first = await versions(job, "?limit=2");
    expect(first.body).toEqual(all.slice(0, 2));
    const rest = await versions(job, `?limit=2&cursor=${first.headers.get("x-next-cursor")}`);
    expect([rest.body, rest.headers.get("x-has-more")]).toEqual([all.slice(2), "false"]);
    refused(await versions({ id: uuid() }), 404, "not_found", "job not found");
  });
});

describe("a clone", () => {
  test("is a job of its own that is like the other", async () => {
    const job = await createJob(stack, "/a", { max_attempts: 4, tags: { team: "a" } });
    await changed(job, { description: "second" });
    const clone = answered(await post(`${job.id}/clone`), 201, jobShape);
    const { id, version, version_id, created_at, updated_at, name, slug, ...rest } = await get(job);
    expect(clone).toMatchObject({ ...rest, name: `${name} (copy)`, slug: `${slug}-copy`, version: 1 });
    expect(clone.id).not.toBe(id);
    refused(
      await post(`${job.id}/clone`),
      409,
      "conflict",
      `job with slug "${slug}-copy" already exists: job slug conflict`,
    );
    const named = answered(await post(`${job.id}/clone`, { name: "n", slug: uuid() }), 201, jobShape);
    expect(named).toMatchObject({ name: "n" });
    refused(await post(`${job.id}/clone`, { project_id: "other" }), 403, "forbidden", /project_id/);
  });

  test("of a job with the longest names has ones that fit", async () => {
    const job = await createJob(stack, "/a", { name: "n".repeat(255), slug: "s".repeat(128) });
    const clone = answered(await post(`${job.id}/clone`), 201, jobShape);
    expect([clone.name.length, clone.slug.length, clone.slug.slice(-6)]).toEqual([255, 128, "s-copy"]);
  });
});

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
    // As a newer version without the step would have it.
    await stack.deps.db.query("delete from workflows where id = $1", [workflow.id]);
    expect((await remove(job)).status).toBe(204);
  });

  test("is a conflict while a run is open that may come to it, and not any more after that", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [gate("gate"), work("work", job, { depends_on: ["gate"] })]);
    await opens(stack, run, "gate");
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
