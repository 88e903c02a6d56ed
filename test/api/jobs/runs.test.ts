import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, gate, getStep, ok, reaches, runOf, work } from "../definitions.ts";
import { answered, attempt, envelope, jobRun as jobRunShape, refused } from "../shapes.ts";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { JobRun, JobRunEvent } from "../../../src/contract/jobs/runs.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";
import { listRuns, readRun, runEnds, triggerJob } from "./triggered.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

describe("a list of job runs", () => {
  test("has those of steps and of triggers, newest first, in pages, by job, status and time", async () => {
    stack.jobs.on("/listed", (_, nth) => (nth === 2 ? { status: 422 } : undefined));
    const job = await createJob(stack, "/listed");
    const one = await runEnds(stack, await triggerJob(stack, job), "completed");
    const two = await runEnds(stack, await triggerJob(stack, job), "dead_letter");
    const run = await reaches(stack, await runOf(stack, [work("work", job)], {}, { tags: { team: "a" } }), "completed");
    const { job_run_id = "" } = await getStep(stack, run, "work");
    await runEnds(stack, { id: job_run_id }, "completed");
    const ofJob = `job_id=${job.id}`;
    expect(await listRuns(stack, `?${ofJob}`)).toEqual([job_run_id, two.id, one.id]);
    expect((await listRuns(stack, "?project_id=demo"))[0]).toBe(job_run_id);
    expect(await listRuns(stack, `?${ofJob}&status=completed`)).toEqual([job_run_id, one.id]);
    expect(await listRuns(stack, `?${ofJob}&status=dead_letter`)).toEqual([two.id]);
    for (const status of ["queued", "failed", "delayed", "dequeued", "waiting", "crashed", "system_failed"])
      expect(await listRuns(stack, `?${ofJob}&status=${status}`)).toEqual([]);
    expect(await listRuns(stack, `?${ofJob}&created_after=${two.created_at}`)).toEqual([job_run_id, two.id]);
    expect(await listRuns(stack, `?${ofJob}&created_before=${two.created_at}`)).toEqual([one.id]);
    const first = await stack.request("GET", `/v1/runs?${ofJob}&limit=2&envelope=true`);
    const page = answered(first, 200, envelope(jobRunShape));
    expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[job_run_id, two.id], true]);
    expect(page.data[0]).toMatchObject({
      triggered_by: "workflow",
      created_by: "system:workflow",
      tags: { team: "a" },
    });
    expect(await listRuns(stack, `?${ofJob}&limit=2&cursor=${page.next_cursor}`)).toEqual([one.id]);
    expect(await listRuns(stack, `?job_id=string`)).toEqual([]);
  });

  test.each([
    ["status=nope", "status: must be one of queued, executing, "],
    ["created_after=2026-03-02T10:00:00+02:00", "created_after: must be a valid RFC3339 timestamp: write + as %2B"],
    ["cursor=2026-03-02T10:00:00+02:00", "cursor: must be a valid RFC3339 timestamp: write + as %2B"],
    ["created_after=yesterday", "created_after: must be a valid RFC3339 timestamp"],
  ])("helps with %s", async (query, detail) => {
    const { details = [] } = refused(await stack.request("GET", `/v1/runs?${query}`), 400, "validation_error", /./);
    expect([details[0]?.slice(0, detail.length), details.length]).toEqual([detail, 1]);
    const steps = await stack.request("GET", `/v1/workflow-runs?status=failed,nope`);
    expect(refused(steps, 400, "validation_error", "status is invalid").details?.[0]).toContain("failed");
  });

  test.each([
    [{ endpoint_url: "x" }, "endpoint_url: URL must be an http or https URL"],
    [{ max_attempts: 0 }, "max_attempts: must be >= 1"],
  ])("a field is named once: %j", async (change, detail) => {
    const body = { project_id: "demo", name: "j", slug: uuid(), endpoint_url: "http://localhost/x", ...change };
    const answer = await stack.request("POST", "/v1/jobs", body);
    expect(refused(answer, 400, "validation_error", /./).details).toEqual([detail]);
  });

  test.each([
    ["status=nope", "status is invalid"],
    ["created_after=yesterday", "created_after must be a valid RFC3339 timestamp"],
    ["limit=0", "limit must be a positive integer"],
    ["nope=1", "unknown query parameter nope"],
  ])("refuses %s", async (query, message) => {
    refused(await stack.request("GET", `/v1/runs?${query}`), 400, "validation_error", message);
  });
});

test("a job run names the version of its job that was called last, whatever becomes of the job", async () => {
  let release = () => {};
  const changed = new Promise<{ status: number }>((resolve) => {
    release = () => resolve({ status: 503 });
  });
  stack.jobs.on("/versions", (_, nth) => (nth === 1 ? changed : undefined));
  const job = await createJob(stack, "/versions", { max_attempts: 2 });
  const patched = () => ok<Job>(stack, "PATCH", `/v1/jobs/${job.id}`, { description: "changed" });
  const run = await triggerJob(stack, job);
  await until(() => stack.jobs.callsTo("/versions").length === 1);
  const second = await patched();
  expect(await runEnds(stack, run, "executing")).toMatchObject({ job_version_id: job.version_id, job_version: 0 });
  release();
  expect(await runEnds(stack, run, "completed")).toMatchObject({ job_version_id: second.version_id });
  const third = await patched();
  expect(await readRun(stack, run)).toMatchObject({ job_version_id: second.version_id });
  const later = await triggerJob(stack, job);
  expect(await runEnds(stack, later, "completed")).toMatchObject({ job_version_id: third.version_id });
});

describe("what happened to a job run", () => {
  test("is told attempt by attempt, and as events", async () => {
    stack.jobs.on("/twice", (_, nth) => (nth === 1 ? { status: 503, body: "busy" } : { body: { ok: true } }));
    const job = await createJob(stack, "/twice", { max_attempts: 2 });
    const run = await triggerJob(stack, job);
    await runEnds(stack, run, "completed");
    const attempts = answered(await stack.request("GET", `/v1/runs/${run.id}/attempts`), 200, attempt.array());
    expect(attempts).toMatchObject([
      { attempt: 1, status: "failed", error: "endpoint returned 503: busy", job_run_id: run.id },
      { attempt: 2, status: "completed", output: { ok: true } },
    ]);
    const events = await ok<JobRunEvent[]>(stack, "GET", `/v1/runs/${run.id}/events`);
    expect(events.map(({ type, attempt }) => [type, attempt])).toEqual([
      ["run.queued", undefined],
      ["attempt.started", 1],
      ["attempt.failed", 1],
      ["attempt.started", 2],
      ["attempt.completed", 2],
      ["run.completed", undefined],
    ]);
    expect(events[2]?.error).toBe("endpoint returned 503: busy");
    expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted());
    const part = await stack.request<JobRunEvent[]>("GET", `/v1/runs/${run.id}/events?limit=4`);
    const rest = `/v1/runs/${run.id}/events?limit=4&cursor=${part.headers.get("x-next-cursor")}`;
    expect([...part.body, ...(await ok<JobRunEvent[]>(stack, "GET", rest))]).toEqual(events);
    for (const list of ["attempts", "events"]) {
      const filtered = await stack.request("GET", `/v1/runs/${run.id}/${list}?status=failed`);
      refused(filtered, 400, "validation_error", "unknown query parameter status");
    }
  });

  test("of one that is unknown is a 404", async () => {
    for (const path of ["", "/events", "/attempts"])
      for (const id of [uuid(), "string"])
        refused(await stack.request("GET", `/v1/runs/${id}${path}`), 404, "not_found", "run not found");
  });
});

describe("a run of a job can be", () => {
  const steer = (method: string, { id }: { id: string }, verb = "", body?: unknown, options?: RequestOptions) =>
    stack.request("POST" === method ? "POST" : method, `/v1/runs/${id}${verb}`, body, options);

  test.each([
    ["DELETE", ""],
    ["POST", "/cancel"],
  ])("canceled: %s %s", async (method, verb) => {
    const path = `/held${verb}`;
    stack.jobs.hold(path);
    const run = await triggerJob(stack, await createJob(stack, path));
    await runEnds(stack, run, "executing");
    const plan = await stack.request("POST", `/v1/runs/${run.id}/cancel?dryRun=true`);
    expect(plan.body).toMatchObject({ dry_run: true, status_after: "canceled" });
    const canceled = answered(await steer(method, run, verb), 200, jobRunShape);
    expect(canceled).toMatchObject({ id: run.id, status: "canceled", error: "workflow canceled by user" });
    refused(await steer(method, run, verb), 400, "invalid_state", "workflow run already in terminal state");
    await until(() => stack.jobs.callsTo(path)[0]?.cutOff);
  });

  test("replayed, with what it was given or with another payload, and once under a key", async () => {
    stack.jobs.on("/replayed", (_, nth) => (nth === 1 ? { status: 422 } : undefined));
    const job = await createJob(stack, "/replayed");
    const source = await triggerJob(stack, job, { payload: { n: 1 }, tags: { team: "a" } });
    await runEnds(stack, source, "dead_letter");
    const plan = await steer("POST", source, "/replay?dryRun=true");
    expect(plan.body).toMatchObject({ dry_run: true, run: { payload: { n: 1 }, triggered_by: "retry" }, refused: [] });
    const options = { headers: { "idempotency-key": "replay" } };
    const answer = await steer("POST", source, "/replay", undefined, options);
    const again = answered(answer, 201, jobRunShape);
    expect(answer.headers.get("location")).toBe(`/v1/runs/${again.id}`);
    expect(again).toMatchObject({ payload: { n: 1 }, tags: { team: "a" }, triggered_by: "retry", created_by: "ada" });
    expect(answered(await steer("POST", source, "/replay", undefined, options), 201, jobRunShape).id).toBe(again.id);
    const ended = await runEnds(stack, again, "completed");
    // A run that was completed is called again, too.
    const other = answered(await steer("POST", ended, "/replay", { payload: { n: 2 } }), 201, jobRunShape);
    await runEnds(stack, other, "completed");
    expect(stack.jobs.callsTo("/replayed").map(({ body }) => body)).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }]);
  });

  test("not replayed while it is open, nor once its job is disabled or gone", async () => {
    const release = stack.jobs.hold("/open");
    const job = await createJob(stack, "/open");
    const run = await triggerJob(stack, job);
    for (const query of ["", "?dryRun=true"])
      refused(await steer("POST", run, `/replay${query}`), 400, "invalid_state", "run must be terminal to replay");
    release();
    await runEnds(stack, run, "completed");
    await ok(stack, "POST", `/v1/jobs/${job.id}/disable`);
    refused(await steer("POST", run, "/replay"), 409, "conflict", "job is disabled");
    await ok(stack, "DELETE", `/v1/jobs/${job.id}`);
    refused(await steer("POST", run, "/replay"), 404, "not_found", "job not found");
  });

  test("retried as the workflow run that it is: what was completed is kept", async () => {
    stack.jobs.on("/retried", (_, nth) => (nth === 1 ? { status: 422 } : { body: { nth } }));
    const job = await createJob(stack, "/retried");
    const { workflow_run_id } = await runEnds(stack, await triggerJob(stack, job), "dead_letter");
    const retry = (id: string) => ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${id}/retry`);
    const again = await reaches(stack, await retry(workflow_run_id), "completed");
    await reaches(stack, await retry(again.id), "completed");
    expect(stack.jobs.callsTo("/retried")).toHaveLength(2);
    // Only the runs that called, or will.
    const runs = await ok<JobRun[]>(stack, "GET", `/v1/runs?job_id=${job.id}`);
    expect(runs.map(({ status }) => status)).toEqual(["completed", "dead_letter"]);
  });

  test("steered as a step of a workflow only there", async () => {
    const release = stack.jobs.hold("/step");
    const run = await runOf(stack, [gate("gate"), work("work", await createJob(stack, "/step"))]);
    const { job_run_id = "" } = await until(async () => {
      const step = await getStep(stack, run, "work");
      return step.job_run_id && step;
    });
    const of = `run is a step of workflow run ${run.id}: `;
    for (const query of ["", "?dryRun=true"]) {
      refused(await steer("DELETE", { id: job_run_id }, query), 409, "conflict", `${of}cancel that`);
      refused(await steer("POST", { id: job_run_id }, `/replay${query}`), 409, "conflict", `${of}retry the step there`);
    }
    release();
  });
});

test("a run that is not over when its job's run_ttl_secs are is expired", async () => {
  stack.jobs.hold("/expires");
  const run = await triggerJob(stack, await createJob(stack, "/expires", { run_ttl_secs: 5, max_attempts: 3 }));
  const ended = await until(async () => {
    const now = await readRun(stack, run);
    return now.finished_at && now;
  });
  expect(["expired", "timed_out"]).toContain(ended.status);
  expect(stack.jobs.callsTo("/expires")).toHaveLength(1);
});
