import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkItem } from "../../../src/contract/bulk/operations.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { createJob, createWorkflow, gate, getRun, ok } from "../definitions.ts";
import { bulkItem, bulkOperation } from "../bulk-shapes.ts";
import { answered, envelope, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";
import { ids, operationsOn, PATH } from "./operations.ts";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await createWorkflow(stack, [gate("gate")]);
});
afterAll(() => stack.stop());
const { post, create, get, items, steer, ended, started, statuses } = operationsOn(
  () => stack,
  () => workflow,
);

describe("an operation", () => {
  const slow = async (count: number) => {
    const runs = await started(count);
    return { runs, operation: await create({ operation: "cancel", ids: ids(runs), max_per_second: 1 }) };
  };

  test("is paused within seconds, goes on when resumed, and takes each run once", async () => {
    const { runs, operation } = await slow(6);
    expect(answered(await steer(operation, "pause"), 200, bulkOperation)).toMatchObject({ status: "paused" });
    refused(await steer(operation, "resume", { reason: 7 }), 400, "validation_error", /./);
    // The chunk that was going on ends; nothing more is taken.
    const quiet = await until(async () => {
      const [before, { pendingActivities }] = [
        await get(operation),
        (await stack.deps.temporal.workflow.getHandle(operation.id).describe()).raw,
      ];
      return !pendingActivities?.length && before;
    });
    expect(quiet.progress.pending).toBeGreaterThan(0);
    expect(await get(operation)).toEqual(quiet);
    expect(answered(await steer(operation, "resume"), 200, bulkOperation)).toMatchObject({ status: "running" });
    expect(await ended(operation)).toMatchObject({ status: "completed", progress: { applied: 6 } });
    expect(new Set(await statuses(runs))).toEqual(new Set(["canceled"]));
  });

  test("respects its rate", async () => {
    const runs = await started(5);
    const begun = Date.now();
    await ended(await create({ operation: "pause", ids: ids(runs), max_per_second: 2 }));
    expect(Date.now() - begun).toBeGreaterThan(2_000);
  });

  test("is aborted for good: what is pending stays untouched", async () => {
    const { runs, operation } = await slow(8);
    const aborted = await steer(operation, "abort", { reason: "changed my mind" });
    expect(answered(aborted, 200, bulkOperation)).toMatchObject({ status: "aborted" });
    expect(await ended(operation)).toMatchObject({ status: "aborted" });
    const outcomes = await items(operation);
    const pending = outcomes.filter(({ status }) => status === "pending").map((item) => item.workflow_run_id);
    expect(pending.length).toBeGreaterThan(0);
    const now = Object.fromEntries(ids(runs).map((id) => [id, ""]));
    for (const run of runs) now[run.id] = (await getRun(stack, run)).status;
    for (const { workflow_run_id, status } of outcomes)
      expect(now[workflow_run_id]).toBe(status === "pending" ? "running" : "canceled");
    const OVER = "bulk operation already in terminal state";
    for (const verb of ["pause", "resume", "abort"]) refused(await steer(operation, verb), 400, "invalid_state", OVER);
    const { rows } = await stack.deps.db.query("select outcome from run_commands where run_id = $1", [operation.id]);
    expect(rows.map(({ outcome }) => JSON.parse(outcome))).toMatchObject([
      { verb: "abort", actor: "ada", reason: "changed my mind", status: "applied" },
    ]);
  });

  test("refuses to be resumed when it is not paused, and tells a repeated command the same", async () => {
    const { operation } = await slow(30);
    const options = (key: string) => ({ headers: { "Idempotency-Key": key } });
    const NOT_PAUSED = "bulk operation is not paused";
    refused(await steer(operation, "resume", {}, options("resume")), 400, "invalid_state", NOT_PAUSED);
    for (let n = 0; n < 2; n++) answered(await steer(operation, "pause", {}, options("pause")), 200, bulkOperation);
    refused(await steer(operation, "resume", {}, options("resume")), 400, "invalid_state", NOT_PAUSED);
    const other = "idempotency key was used for another command";
    refused(await steer(operation, "abort", {}, options("pause")), 409, "conflict", other);
    expect(await get(operation)).toMatchObject({ status: "paused" });
    answered(await steer(operation, "abort"), 200, bulkOperation);
  });

  test("is aborted by cancelling its workflow in Temporal", async () => {
    const { operation } = await slow(30);
    await stack.deps.temporal.workflow.getHandle(operation.id).cancel();
    expect(await ended(operation)).toMatchObject({ status: "aborted" });
  });

  test("is made once under one idempotency key", async () => {
    const runs = await started(1);
    const options = { headers: { "Idempotency-Key": uuid() } };
    const body = { operation: "pause", ids: ids(runs) };
    const [one, same] = await Promise.all([create(body, options), create(body, options)]);
    expect(same.id).toBe(one.id);
    expect((await create(body, options)).id).toBe(one.id);
    refused(
      await post({ ...body, reason: "other" }, options),
      409,
      "conflict",
      "idempotency key was used with another body",
    );
    expect(await ended(one)).toMatchObject({ progress: { total: 1, applied: 1 } });
  });

  test("that is unknown is a 404", async () => {
    for (const id of [uuid(), "nonsense"])
      for (const [method, path] of [
        ["GET", ""],
        ["GET", "/items"],
        ["POST", "/pause"],
        ["POST", "/resume"],
        ["POST", "/abort"],
      ] as const)
        refused(await stack.request(method, `${PATH}/${id}${path}`), 404, "not_found", "bulk operation not found");
  });
});

test("a filter of 100,000 runs is taken, one of more refused", async () => {
  const token = stack.token({ projects: ["huge"] });
  const { db } = stack.deps;
  // In parts: a busy machine takes longer for all of them than a query may.
  for (const count of [...Array<number>(10).fill(10_000), 1])
    await db.query(
      `insert into workflow_runs (id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status,
         triggered_by, created_at, depth, revision)
       select gen_random_uuid(), gen_random_uuid(), 'w', 'huge', 1, 'ver', 'completed', 'manual', now(), 0, 1
       from generate_series(1, $1::int)`,
      [count],
    );
  const body = { operation: "cancel", filter: { status: "completed" }, max_per_second: 1 };
  const refusal = refused(await post(body, { token }), 400, "validation_error", "filter matches more than 100000 runs");
  expect(refusal.details).toEqual(["filter: matches more than 100000 runs"]);
  const list = () => stack.request("GET", PATH, undefined, { token });
  expect(answered(await list(), 200, bulkOperation.array())).toEqual([]);
  await db.query(
    `delete from workflow_runs where id = (select id from workflow_runs where project_id = 'huge' limit 1)`,
  );
  const created = answered(await post(body, { token }), 202, bulkOperation);
  expect(created.progress.total).toBe(100_000);
  answered(await stack.request("POST", `${PATH}/${created.id}/abort`, undefined, { token }), 200, bulkOperation);
});

describe("projects", () => {
  test("another's run is as unknown as any, whoever names it", async () => {
    const runs = await started(1);
    const token = stack.token({ projects: ["other"] });
    const created = answered(await post({ operation: "cancel", ids: ids(runs) }, { token }), 202, bulkOperation);
    const shown = await until(async () => {
      const { body } = await stack.request<BulkItem[]>("GET", `${PATH}/${created.id}/items`, undefined, { token });
      return body[0]?.status !== "pending" && body;
    });
    expect(shown).toMatchObject([{ status: "failed", code: "not_found", error: "workflow run not found" }]);
    expect(await statuses(runs)).toEqual(["running"]);
    refused(await stack.request("GET", `${PATH}/${created.id}`), 404, "not_found", "bulk operation not found");
  });

  test("a filter takes runs of its own project only, and names only its workflows", async () => {
    const tags = { shared: uuid() };
    const runs = await started(1, workflow, { tags });
    const token = stack.token({ projects: ["other"] });
    const filter = { tag_key: "shared", tag_value: tags.shared };
    const answer = await post({ operation: "cancel", filter }, { token });
    expect(answered(answer, 202, bulkOperation)).toMatchObject({ project_id: "other", progress: { total: 0 } });
    const asked = await post({ operation: "cancel", filter: { workflow_id: workflow.id } }, { token });
    refused(asked, 400, "validation_error", `filter references unknown workflow "${workflow.id}"`);
    expect(await statuses(runs)).toEqual(["running"]);
  });

  test("a filter takes the runs of a workflow that is deleted, and of a job by itself", async () => {
    const gone = await createWorkflow(stack, [gate("gate")]);
    const [run] = (await started(1, gone)) as [WorkflowRun];
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    await ok(stack, "DELETE", `/v1/workflows/${gone.id}`);
    const job = await createJob(stack);
    await ok(stack, "POST", `/v1/jobs/${job.id}/trigger`);
    for (const workflow_id of [gone.id, job.id]) {
      const answer = await stack.request("POST", `${PATH}?dryRun=true`, {
        operation: "retry",
        filter: { workflow_id },
      });
      expect(answer).toMatchObject({ status: 200, body: { total: 1 } });
    }
  });

  test("have to be named by a caller of several", async () => {
    const token = stack.token({ projects: ["demo", "other"] });
    const body = { operation: "cancel", ids: [uuid()] };
    refused(await post(body, { token }), 400, "validation_error", "project_id is required");
    expect(await create({ ...body, project_id: "demo" }, { token })).toMatchObject({ project_id: "demo" });
  });
});

describe("lists", () => {
  const token = () => stack.token({ projects: ["paged"] });
  const page = async (path: string) => {
    const answer = await stack.request("GET", path, undefined, { token: token() });
    return { answer, next: /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1] };
  };

  test("of operations are newest first, by pages", async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      const body = { operation: "cancel", filter: { tag_key: "none" } };
      made.unshift(answered(await post(body, { token: token() }), 202, bulkOperation).id);
    }
    const found: string[] = [];
    for (let next: string | undefined = `${PATH}?limit=2`; next; ) {
      const { answer, next: following } = await page(next);
      found.push(...answered(answer, 200, bulkOperation.array()).map(({ id }) => id));
      next = following;
    }
    expect(found).toEqual(made);
    const { answer } = await page(`${PATH}?limit=4&envelope=true`);
    expect(answered(answer, 200, envelope(bulkOperation))).toMatchObject({ has_more: true });
  });

  test("of items are in the order named, by pages, of one status if asked", async () => {
    const named = Array.from({ length: 7 }, () => uuid());
    const answer = await post({ operation: "pause", ids: named }, { token: token() });
    const { id } = answered(answer, 202, bulkOperation);
    await stack.deps.temporal.workflow.getHandle(id).result();
    for (const query of ["limit=3", "limit=3&status=failed", "limit=7", "limit=100"]) {
      const found: string[] = [];
      for (let next: string | undefined = `${PATH}/${id}/items?${query}`; next; ) {
        const { answer, next: following } = await page(next);
        found.push(...answered(answer, 200, bulkItem.array()).map((item) => item.workflow_run_id));
        next = following;
      }
      expect(found, query).toEqual(named);
    }
    expect(answered((await page(`${PATH}/${id}/items?status=applied`)).answer, 200, bulkItem.array())).toEqual([]);
    refused((await page(`${PATH}/${id}/items?status=done`)).answer, 400, "validation_error", "status is invalid");
    refused(
      (await page(`${PATH}/${id}/items?cursor=x`)).answer,
      400,
      "validation_error",
      "cursor is not one of this list",
    );
    refused((await page(`${PATH}?limit=0`)).answer, 400, "validation_error", "limit must be a positive integer");
  });
});
