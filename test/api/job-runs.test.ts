import { createHash } from "node:crypto";
import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, gate, getStep, ok, reaches, runOf, work } from "./definitions.ts";
import { answered, attempt, envelope, jobRun as jobRunShape, refused, triggered } from "./shapes.ts";
import type { Job } from "../../src/contract/jobs.ts";
import type { JobRun, JobRunEvent, JobRunStatus, WorkflowRun } from "../../src/contract/runs.ts";
import type { Triggered, TriggeredBulk } from "../../src/contract/job-trigger.ts";
import { type RequestOptions, type Stack, startStack } from "../stack/harness.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const triggerWith = (job: Job, body?: unknown, options?: RequestOptions, query = "") =>
  stack.request("POST", `/v1/jobs/${job.id}/trigger${query}`, body, options);
const triggerJob = async (job: Job, body?: unknown): Promise<Triggered> =>
  answered(await triggerWith(job, body), 201, triggered);
const read = async ({ id }: { id: string }): Promise<JobRun> =>
  answered(await stack.request("GET", `/v1/runs/${id}`), 200, jobRunShape);
const ends = (run: { id: string }, status: JobRunStatus) =>
  until(async () => {
    const now = await read(run);
    return now.status === status && now;
  });
const list = async (query: string): Promise<string[]> =>
  answered(await stack.request("GET", `/v1/runs${query}`), 200, jobRunShape.array()).map(({ id }) => id);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("a trigger of a job", () => {
  test("calls it by itself, with the payload and as the run that it answers", async () => {
    stack.jobs.on("/alone", () => ({ body: { done: 12345678901234567890n } }));
    const job = await createJob(stack, "/alone");
    const payload = { order: 12345678901234567890n, lines: [1.5] };
    const answer = await triggerWith(job, { payload, tags: { team: "a" } });
    const run = answered(answer, 201, triggered);
    expect(answer.headers.get("location")).toBe(`/v1/runs/${run.id}`);
    expect(run).toMatchObject({ status: "queued", idempotency_hit: false });
    const text = '{"order":12345678901234567890,"lines":[1.5]}';
    expect(run.payload_hash).toBe(sha256(text));
    const ended = await ends(run, "completed");
    expect(ended).toMatchObject({
      ...{
        job_id: job.id,
        job_version_id: job.version_id,
        project_id: "demo",
        attempt: 1,
        payload,
        tags: { team: "a" },
      },
      ...{ triggered_by: "manual", created_by: "ada", result: { done: 12345678901234567890n } },
    });
    const [call, ...others] = stack.jobs.callsTo("/alone");
    expect(others).toEqual([]);
    expect(call).toMatchObject({ text, headers: { "x-run-id": run.id, "x-workflow-run-id": ended.workflow_run_id } });
  });

  test("without a payload sends an empty object, and one that is large goes over whole", async () => {
    const job = await createJob(stack, "/payloads");
    const empty = await triggerJob(job);
    expect(empty.payload_hash).toBe(sha256("{}"));
    await ends(empty, "completed");
    const payload = { text: "x".repeat(5_000) };
    expect(await ends(await triggerJob(job, { payload }), "completed")).toMatchObject({ payload });
    expect(stack.jobs.callsTo("/payloads").map(({ body }) => body)).toEqual([{}, payload]);
  });

  test("is a workflow run, which no list of workflows shows", async () => {
    const job = await createJob(stack);
    const { workflow_run_id } = await ends(await triggerJob(job, { payload: { a: 1 } }), "completed");
    const run = await ok<WorkflowRun>(stack, "GET", `/v1/workflow-runs/${workflow_run_id}`);
    expect(run).toMatchObject({ workflow_id: job.id, status: "completed", payload: { a: 1 }, triggered_by: "manual" });
    expect(await ok(stack, "GET", `/v1/workflow-runs/${workflow_run_id}/steps`)).toMatchObject([
      { step_ref: "job", status: "completed", deps_required: 0 },
    ]);
    const workflows = await ok<{ id: string }[]>(stack, "GET", "/v1/workflows?limit=100");
    expect(workflows.map(({ id }) => id)).not.toContain(job.id);
    refused(await stack.request("GET", `/v1/workflows/${job.id}`), 404, "not_found", "workflow not found");
  });

  test("is there before a worker takes it up, and can be canceled then", async () => {
    const job = await createJob(stack, "/nobody", { run_ttl_secs: 3600 });
    const { waiting, canceled } = await stack.withoutWorker(async () => {
      const waiting = await read(await triggerJob(job));
      const canceled = await triggerJob(job);
      expect((await stack.request("DELETE", `/v1/runs/${canceled.id}`)).status).toBe(202);
      return { waiting, canceled };
    });
    expect(waiting).toMatchObject({ status: "queued", attempt: 1, expires_at: expect.any(String) });
    expect(waiting).not.toHaveProperty("started_at");
    const done = await ends(waiting, "completed");
    expect([done.created_at, done.started_at && done.started_at >= done.created_at]).toEqual([
      waiting.created_at,
      true,
    ]);
    expect(await ends(canceled, "canceled")).toHaveProperty("finished_at");
  });

  test("under the same key is the same run, whatever the job is by then; with another body it is a conflict", async () => {
    const job = await createJob(stack, "/keyed");
    const options = { headers: { "idempotency-key": uuid() } };
    const first = answered(await triggerWith(job, { payload: 1 }, options), 201, triggered);
    await ends(first, "completed");
    await ok(stack, "POST", `/v1/jobs/${job.id}/disable`);
    const again = answered(await triggerWith(job, { payload: 1 }, options), 201, triggered);
    expect(again).toMatchObject({ id: first.id, idempotency_hit: true, status: "completed" });
    refused(
      await triggerWith(job, { payload: 2 }, options),
      409,
      "conflict",
      "idempotency key was used with another body",
    );
    expect(stack.jobs.callsTo("/keyed")).toHaveLength(1);
  });

  test("of several at once under one key is one run", async () => {
    const job = await createJob(stack, "/raced");
    const key = uuid();
    const body = { payload: 1, idempotency_key: key };
    const answers = await Promise.all([1, 2, 3, 4].map(() => triggerJob(job, body)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    await ends(answers[0] as Triggered, "completed");
    expect(stack.jobs.callsTo("/raced")).toHaveLength(1);
  });

  test("dryRun answers the run that it would make, and makes none", async () => {
    const job = await createJob(stack, "/planned");
    const plan = await triggerWith(job, { payload: { a: 1 }, tags: { t: "a" }, priority: 5 }, {}, "?dryRun=true");
    expect(plan.body).toEqual({
      dry_run: true,
      run: {
        ...{ job_id: job.id, project_id: "demo", status: "queued", triggered_by: "manual", created_by: "ada" },
        ...{ payload: { a: 1 }, tags: { t: "a" } },
      },
      payload_hash: sha256('{"a":1}'),
      refused: [],
    });
    expect(plan.headers.get("x-ignored-fields")).toBe("priority");
    expect(await list(`?job_id=${job.id}`)).toEqual([]);
  });

  test("refuses another project's project_id, and fields that nobody knows", async () => {
    const job = await createJob(stack);
    refused(await triggerWith(job, { project_id: "other" }), 403, "forbidden", /project_id/);
    const token = stack.token({ projects: ["demo", "other"] });
    refused(await triggerWith(job, { project_id: "other" }, { token }), 404, "not_found", "job not found");
    expect(refused(await triggerWith(job, { nope: 1 }), 400, "validation_error", /./).details).toEqual([
      "nope: unknown field",
    ]);
  });

  test("that does not fit the payload_schema is a 400 that names the place", async () => {
    const payload_schema = { required: ["id"], properties: { id: { type: "integer" } }, type: "object" };
    const job = await createJob(stack, "/schema", { payload_schema });
    const problem = "payload.id must be integer (payload_schema)";
    for (const query of ["", "?dryRun=true"]) {
      refused(await triggerWith(job, { payload: { id: "x" } }, {}, query), 400, "validation_error", problem);
      refused(
        await triggerWith(job, {}, {}, query),
        400,
        "validation_error",
        /^payload must have required property 'id'/,
      );
    }
    await ends(await triggerJob(job, { payload: { id: 7 } }), "completed");
  });
});

describe("triggers in bulk", () => {
  test("are each made, or told what is wrong with them, and once under a key", async () => {
    const job = await createJob(stack, "/bulk", { payload_schema: { type: "object" } });
    const items = [{ payload: { n: 0 } }, { payload: 1 }, { nope: 1 }, { payload: { n: 3 }, metadata: {} }];
    const send = (query = "") =>
      stack.request<TriggeredBulk>(
        "POST",
        `/v1/jobs/${job.id}/trigger/bulk${query}`,
        { items },
        {
          headers: { "idempotency-key": "bulk" },
        },
      );
    expect((await send("?dryRun=true")).body).toMatchObject({ dry_run: true, triggered: 2, failed: 2 });
    expect(await list(`?job_id=${job.id}`)).toEqual([]);
    const answer = await send();
    expect(answer.headers.get("x-ignored-fields")).toBe("items[3].metadata");
    expect(answer.body).toMatchObject({
      triggered: 2,
      failed: 2,
      results: [
        { index: 0, status: "queued", idempotency_hit: false },
        { index: 1, status: "failed", code: "validation_error", error: "payload must be object (payload_schema)" },
        { index: 2, status: "failed", code: "validation_error", details: ["nope: unknown field"] },
        { index: 3, status: "queued", idempotency_hit: false },
      ],
    });
    const again = await send();
    const ids = (told: typeof answer) => told.body.results.map((one) => "id" in one && one.id);
    expect(ids(again)).toEqual(ids(answer));
    expect(again.body.results[0]).toMatchObject({ idempotency_hit: true });
    expect((await list(`?job_id=${job.id}`)).toSorted()).toEqual(ids(answer).filter(Boolean).toSorted());
  });

  test("of a job that is unknown are a 404, and there are 1 to 100", async () => {
    const bulk = (id: string, items: unknown) => stack.request("POST", `/v1/jobs/${id}/trigger/bulk`, { items });
    refused(await bulk(uuid(), [{}]), 404, "not_found", "job not found");
    const { id } = await createJob(stack);
    for (const items of [[], Array(101).fill({})])
      refused(await bulk(id, items), 400, "validation_error", "validation failed");
  });
});

describe("a list of job runs", () => {
  test("has those of steps and of triggers, newest first, in pages, by job, status and time", async () => {
    stack.jobs.on("/listed", (_, nth) => (nth === 2 ? { status: 422 } : undefined));
    const job = await createJob(stack, "/listed");
    const one = await ends(await triggerJob(job), "completed");
    const two = await ends(await triggerJob(job), "dead_letter");
    const run = await reaches(stack, await runOf(stack, [work("work", job)], {}, { tags: { team: "a" } }), "completed");
    const { job_run_id = "" } = await getStep(stack, run, "work");
    await ends({ id: job_run_id }, "completed");
    const ofJob = `job_id=${job.id}`;
    expect(await list(`?${ofJob}`)).toEqual([job_run_id, two.id, one.id]);
    expect((await list("?project_id=demo"))[0]).toBe(job_run_id);
    expect(await list(`?${ofJob}&status=completed`)).toEqual([job_run_id, one.id]);
    expect(await list(`?${ofJob}&status=dead_letter`)).toEqual([two.id]);
    expect(await list(`?${ofJob}&status=queued`)).toEqual([]);
    expect(await list(`?${ofJob}&created_after=${two.created_at}`)).toEqual([job_run_id, two.id]);
    expect(await list(`?${ofJob}&created_before=${two.created_at}`)).toEqual([one.id]);
    const first = await stack.request("GET", `/v1/runs?${ofJob}&limit=2&envelope=true`);
    const page = answered(first, 200, envelope(jobRunShape));
    expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[job_run_id, two.id], true]);
    expect(page.data[0]).toMatchObject({
      triggered_by: "workflow",
      created_by: "system:workflow",
      tags: { team: "a" },
    });
    expect(await list(`?${ofJob}&limit=2&cursor=${page.next_cursor}`)).toEqual([one.id]);
    expect(await list(`?job_id=string`)).toEqual([]);
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

describe("what happened to a job run", () => {
  test("is told attempt by attempt, and as events", async () => {
    stack.jobs.on("/twice", (_, nth) => (nth === 1 ? { status: 503, body: "busy" } : { body: { ok: true } }));
    const job = await createJob(stack, "/twice", { max_attempts: 2 });
    const run = await triggerJob(job);
    await ends(run, "completed");
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
    const run = await triggerJob(await createJob(stack, path));
    await ends(run, "executing");
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
    const source = await triggerJob(job, { payload: { n: 1 }, tags: { team: "a" } });
    await ends(source, "dead_letter");
    const plan = await steer("POST", source, "/replay?dryRun=true");
    expect(plan.body).toMatchObject({ dry_run: true, run: { payload: { n: 1 }, triggered_by: "retry" }, refused: [] });
    const options = { headers: { "idempotency-key": "replay" } };
    const answer = await steer("POST", source, "/replay", undefined, options);
    const again = answered(answer, 201, jobRunShape);
    expect(answer.headers.get("location")).toBe(`/v1/runs/${again.id}`);
    expect(again).toMatchObject({ payload: { n: 1 }, tags: { team: "a" }, triggered_by: "retry", created_by: "ada" });
    expect(answered(await steer("POST", source, "/replay", undefined, options), 201, jobRunShape).id).toBe(again.id);
    const ended = await ends(again, "completed");
    // A run that was completed is called again, too.
    const other = answered(await steer("POST", ended, "/replay", { payload: { n: 2 } }), 201, jobRunShape);
    await ends(other, "completed");
    expect(stack.jobs.callsTo("/replayed").map(({ body }) => body)).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }]);
  });

  test("not replayed while it is open, nor once its job is disabled or gone", async () => {
    const release = stack.jobs.hold("/open");
    const job = await createJob(stack, "/open");
    const run = await triggerJob(job);
    for (const query of ["", "?dryRun=true"])
      refused(await steer("POST", run, `/replay${query}`), 400, "invalid_state", "run must be terminal to replay");
    release();
    await ends(run, "completed");
    await ok(stack, "POST", `/v1/jobs/${job.id}/disable`);
    refused(await steer("POST", run, "/replay"), 409, "conflict", "job is disabled");
    await ok(stack, "DELETE", `/v1/jobs/${job.id}`);
    refused(await steer("POST", run, "/replay"), 404, "not_found", "job not found");
  });

  test("retried as the workflow run that it is: what was completed is kept", async () => {
    stack.jobs.on("/retried", (_, nth) => (nth === 1 ? { status: 422 } : { body: { nth } }));
    const job = await createJob(stack, "/retried");
    const { workflow_run_id } = await ends(await triggerJob(job), "dead_letter");
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
  const run = await triggerJob(await createJob(stack, "/expires", { run_ttl_secs: 5, max_attempts: 3 }));
  const ended = await until(async () => {
    const now = await read(run);
    return now.finished_at && now;
  });
  expect(["expired", "timed_out"]).toContain(ended.status);
  expect(stack.jobs.callsTo("/expires")).toHaveLength(1);
});
