import { createHash } from "node:crypto";
import jwt from "jsonwebtoken";
import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, ok } from "../definitions.ts";
import { answered, refused, triggered } from "../shapes.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Triggered, TriggeredBulk } from "../../../src/contract/jobs/trigger.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { listRuns, readRun, runEnds, triggerJob, triggerWith } from "./triggered.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

describe("a trigger of a job", () => {
  test("calls it by itself, with the payload and as the run that it answers", async () => {
    stack.jobs.on("/alone", () => ({ body: { done: 12345678901234567890n } }));
    const job = await createJob(stack, "/alone");
    const payload = { order: 12345678901234567890n, lines: [1.5] };
    const answer = await triggerWith(stack, job, { payload, tags: { team: "a" } });
    const run = answered(answer, 201, triggered);
    expect(answer.headers.get("location")).toBe(`/v1/runs/${run.id}`);
    expect(run).toMatchObject({ status: "queued", idempotency_hit: false });
    const text = '{"order":12345678901234567890,"lines":[1.5]}';
    expect(run.payload_hash).toBe(sha256(text));
    expect(jwt.decode(run.run_token)).toMatchObject({ sub: run.id, payload_hash: run.payload_hash });
    const ended = await runEnds(stack, run, "completed");
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
    const empty = await triggerJob(stack, job);
    expect(empty.payload_hash).toBe(sha256("{}"));
    await runEnds(stack, empty, "completed");
    const payload = { text: "x".repeat(5_000) };
    expect(await runEnds(stack, await triggerJob(stack, job, { payload }), "completed")).toMatchObject({ payload });
    expect(stack.jobs.callsTo("/payloads").map(({ body }) => body)).toEqual([{}, payload]);
  });

  test("is a workflow run, which no list of workflows shows", async () => {
    const job = await createJob(stack);
    const { workflow_run_id } = await runEnds(stack, await triggerJob(stack, job, { payload: { a: 1 } }), "completed");
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
      const waiting = await readRun(stack, await triggerJob(stack, job));
      const canceled = await triggerJob(stack, job);
      expect((await stack.request("DELETE", `/v1/runs/${canceled.id}`)).status).toBe(202);
      return { waiting, canceled };
    });
    expect(waiting).toMatchObject({ status: "queued", attempt: 1, expires_at: expect.any(String) });
    expect(waiting).not.toHaveProperty("started_at");
    const done = await runEnds(stack, waiting, "completed");
    expect([done.created_at, done.started_at && done.started_at >= done.created_at]).toEqual([
      waiting.created_at,
      true,
    ]);
    expect(await runEnds(stack, canceled, "canceled")).toHaveProperty("finished_at");
  });

  test("under the same key is the same run, whatever the job is by then; with another body it is a conflict", async () => {
    const job = await createJob(stack, "/keyed");
    const options = { headers: { "idempotency-key": uuid() } };
    const first = answered(await triggerWith(stack, job, { payload: 1 }, options), 201, triggered);
    await runEnds(stack, first, "completed");
    await ok(stack, "POST", `/v1/jobs/${job.id}/disable`);
    const again = answered(await triggerWith(stack, job, { payload: 1 }, options), 201, triggered);
    expect(again).toMatchObject({ id: first.id, idempotency_hit: true, status: "completed" });
    refused(
      await triggerWith(stack, job, { payload: 2 }, options),
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
    const answers = await Promise.all([1, 2, 3, 4].map(() => triggerJob(stack, job, body)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    await runEnds(stack, answers[0] as Triggered, "completed");
    expect(stack.jobs.callsTo("/raced")).toHaveLength(1);
  });

  test("dryRun answers the run that it would make, and makes none", async () => {
    const job = await createJob(stack, "/planned");
    const plan = await triggerWith(
      stack,
      job,
      { payload: { a: 1 }, tags: { t: "a" }, priority: 5 },
      {},
      "?dryRun=true",
    );
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
    expect(await listRuns(stack, `?job_id=${job.id}`)).toEqual([]);
  });

  test("refuses another project's project_id, and fields that nobody knows", async () => {
    const job = await createJob(stack);
    refused(await triggerWith(stack, job, { project_id: "other" }), 403, "forbidden", /project_id/);
    const token = stack.token({ projects: ["demo", "other"] });
    refused(await triggerWith(stack, job, { project_id: "other" }, { token }), 404, "not_found", "job not found");
    expect(refused(await triggerWith(stack, job, { nope: 1 }), 400, "validation_error", /./).details).toEqual([
      "nope: unknown field",
    ]);
  });

  test("that does not fit the payload_schema is a 400 that names the place", async () => {
    const payload_schema = { required: ["id"], properties: { id: { type: "integer" } }, type: "object" };
    const job = await createJob(stack, "/schema", { payload_schema });
    const problem = "payload.id must be integer (payload_schema)";
    for (const query of ["", "?dryRun=true"]) {
      refused(await triggerWith(stack, job, { payload: { id: "x" } }, {}, query), 400, "validation_error", problem);
      refused(
        await triggerWith(stack, job, {}, {}, query),
        400,
        "validation_error",
        /^payload must have required property 'id'/,
      );
    }
    await runEnds(stack, await triggerJob(stack, job, { payload: { id: 7 } }), "completed");
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
    expect(await listRuns(stack, `?job_id=${job.id}`)).toEqual([]);
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
    expect((await listRuns(stack, `?job_id=${job.id}`)).toSorted()).toEqual(ids(answer).filter(Boolean).toSorted());
  });

  test("of a job that is unknown are a 404, and there are 1 to 100", async () => {
    const bulk = (id: string, items: unknown) => stack.request("POST", `/v1/jobs/${id}/trigger/bulk`, { items });
    refused(await bulk(uuid(), [{}]), 404, "not_found", "job not found");
    const { id } = await createJob(stack);
    for (const items of [[], Array(101).fill({})])
      refused(await bulk(id, items), 400, "validation_error", "validation failed");
  });
});
