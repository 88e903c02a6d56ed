import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkItem, BulkOperation } from "../../../src/contract/bulk-operations.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createWorkflow, gate, getRun, ok, opens, reaches, trigger } from "../definitions.ts";
import { answered, bulkItem, bulkOperation, envelope, refused } from "../shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

const PATH = "/v1/bulk-operations";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await createWorkflow(stack, [gate("gate")]);
});
afterAll(() => stack.stop());

const ids = (runs: WorkflowRun[]) => runs.map(({ id }) => id);
const post = (body: unknown, options?: RequestOptions) => stack.request("POST", PATH, body, options);
const create = async (body: unknown, options?: RequestOptions): Promise<BulkOperation> => {
  const answer = await post(body, options);
  const created = answered(answer, 202, bulkOperation) as BulkOperation;
  expect(answer.headers.get("location")).toBe(`${PATH}/${created.id}`);
  return created;
};
const get = async ({ id }: { id: string }) =>
  answered(await stack.request("GET", `${PATH}/${id}`), 200, bulkOperation) as BulkOperation;
const items = async ({ id }: { id: string }, query = "limit=100") =>
  answered(await stack.request("GET", `${PATH}/${id}/items?${query}`), 200, bulkItem.array()) as BulkItem[];
const steer = ({ id }: { id: string }, verb: string, body?: object, options?: RequestOptions) =>
  stack.request("POST", `${PATH}/${id}/${verb}`, body, options);
const ended = (operation: BulkOperation): Promise<BulkOperation> =>
  until(async () => {
    const now = await get(operation);
    return now.finished_at !== undefined && now;
  });
const started = (count: number, of = workflow, body: object = {}): Promise<WorkflowRun[]> =>
  Promise.all(Array.from({ length: count }, () => trigger(stack, of, body)));
const statuses = async (runs: WorkflowRun[]) =>
  (await Promise.all(runs.map((run) => getRun(stack, run)))).map(({ status }) => status);
const canceled = async (count: number) => {
  const runs = await started(count);
  await ended(await create({ operation: "cancel", ids: ids(runs) }));
  return runs;
};

describe("a body is refused", () => {
  const ID = uuid();
  const good = { operation: "cancel", ids: [ID] };
  test.each([
    ["without an operation", { ids: [ID] }, "operation: must be one of cancel, replay, pause, resume"],
    [
      "of another operation",
      { ...good, operation: "delete" },
      "operation: must be one of cancel, replay, pause, resume",
    ],
    ["without ids and filter", { operation: "cancel" }, "body: exactly one of ids and filter is required"],
    ["with both", { ...good, filter: { status: "running" } }, "body: exactly one of ids and filter is required"],
    ["with no ids", { ...good, ids: [] }, "ids: must not be empty"],
    ["with what is no id", { ...good, ids: [ID, "nonsense"] }, "ids[1]: must be an id"],
    ["with too many ids", { ...good, ids: Array(100_001).fill(ID) }, "ids: must have at most 100000 entries"],
    ["with an empty filter", { operation: "cancel", filter: {} }, "filter: filter must not be empty"],
    ["with a filter of nothing", { operation: "cancel", filter: { status: null } }, "filter: filter must not be empty"],
    [
      "with a status there is none of",
      { operation: "cancel", filter: { status: "done" } },
      "filter.status: must be one of pending, running, paused, completed, failed, timed_out, canceled",
    ],
    [
      "with a tag value without its key",
      { operation: "cancel", filter: { tag_value: "a" } },
      "filter.tag_key: is required when tag_value is provided",
    ],
    ["with an empty tag key", { operation: "cancel", filter: { tag_key: "" } }, "filter.tag_key: must not be empty"],
    [
      "with no workflow's id",
      { operation: "cancel", filter: { workflow_id: "w" } },
      "filter.workflow_id: must be an id",
    ],
    [
      "with an unknown workflow",
      { operation: "cancel", filter: { workflow_id: ID } },
      `filter.workflow_id: filter references unknown workflow "${ID}"`,
    ],
    ["with a rate of none", { ...good, max_per_second: 0 }, "max_per_second: must be >= 1"],
    ["with a rate beyond any", { ...good, max_per_second: 1001 }, "max_per_second: must be <= 1000"],
    ["with a rate that is not whole", { ...good, max_per_second: 1.5 }, "max_per_second: must be a whole number"],
    ["with a reason too long", { ...good, reason: "x".repeat(4097) }, "reason: must have at most 4096 characters"],
    ["with an unknown field", { ...good, filters: {} }, "filters: unknown field"],
    [
      "with an unknown field in its filter",
      { operation: "cancel", filter: { team: "a" } },
      "filter.team: unknown field",
    ],
  ])("%s", async (_, body, detail) => {
    const { details } = refused(await post(body), 400, "validation_error", /./);
    expect(details).toEqual([detail]);
    expect(answered(await stack.request("GET", `${PATH}?limit=1`), 200, bulkOperation.array())).toEqual([]);
  });

  test("of 5 MiB and more", async () => {
    const body = JSON.stringify({ ...good, reason: "x".repeat(5 * 2 ** 20) });
    refused(await post(body), 413, "payload_too_large", "request body is larger than 5 MiB");
  });
});

describe("cancel", () => {
  test("cancels each of the runs named, and says so one by one, in the order named", async () => {
    const runs = await started(5);
    const created = await create({ operation: "cancel", ids: ids(runs), reason: "obsolete", max_per_second: 1000 });
    expect(created).toMatchObject({
      project_id: "demo",
      operation: "cancel",
      status: "running",
      reason: "obsolete",
      max_per_second: 1000,
      progress: { total: 5, pending: 5, applied: 0, skipped: 0, failed: 0 },
      created_by: "ada",
    });
    expect(await ended(created)).toMatchObject({ status: "completed", progress: { pending: 0, applied: 5 } });
    expect(await items(created)).toEqual(
      ids(runs).map((workflow_run_id) => ({ workflow_run_id, status: "applied", settled_at: expect.any(String) })),
    );
    expect(new Set(await statuses(runs))).toEqual(new Set(["canceled"]));
    const { events } = await stack.deps.temporal.workflow.getHandle(runs[0]?.id ?? "").fetchHistory();
    const causes = events?.flatMap((event) => event.workflowExecutionCancelRequestedEventAttributes?.cause ?? []);
    expect(causes).toEqual([`bulk-operation/${created.id}: obsolete`]);
  });

  test("is not spoiled by a run that cannot be: each has its own outcome, duplicates count once", async () => {
    const [before] = (await canceled(1)) as [WorkflowRun];
    const [over, open] = (await started(2)) as [WorkflowRun, WorkflowRun];
    await opens(stack, over, "gate");
    await ok(stack, "POST", `/v1/workflow-runs/${over.id}/steps/gate/approve`);
    await reaches(stack, over, "completed");
    const unknown = uuid();
    const named = [before.id, unknown, over.id, open.id, before.id];
    const operation = await create({ operation: "cancel", ids: named });
    expect(await ended(operation)).toMatchObject({
      status: "completed",
      progress: { total: 4, pending: 0, applied: 1, skipped: 1, failed: 2 },
    });
    expect(await items(operation)).toMatchObject([
      { workflow_run_id: before.id, status: "skipped" },
      { workflow_run_id: unknown, status: "failed", code: "not_found", error: "workflow run not found" },
      {
        workflow_run_id: over.id,
        status: "failed",
        code: "invalid_state",
        error: "workflow run already in terminal state",
      },
      { workflow_run_id: open.id, status: "applied" },
    ]);
    expect(await items(operation, "status=failed")).toHaveLength(2);
  });

  test("by a filter takes what it let through when it was created, and nothing that came later", async () => {
    const own = await createWorkflow(stack, [gate("gate")]);
    const tags = { batch: uuid() };
    const runs = await started(6, own, { tags });
    const [other] = (await started(1, own)) as [WorkflowRun];
    const filter = { workflow_id: own.id, status: "running", tag_key: "batch", tag_value: tags.batch };
    const operation = await create({ operation: "cancel", filter, max_per_second: 2 });
    const late = await started(2, own, { tags });
    expect(operation).toMatchObject({ filter, progress: { total: 6 } });
    expect(await ended(operation)).toMatchObject({ status: "completed", progress: { applied: 6 } });
    expect(new Set((await items(operation)).map((item) => item.workflow_run_id))).toEqual(new Set(ids(runs)));
    expect(await statuses([...late, other])).toEqual(["running", "running", "running"]);
  });

  test("takes the longest reason there may be", async () => {
    const runs = await started(1);
    const operation = await create({ operation: "cancel", ids: ids(runs), reason: "\u{1F600}".repeat(2048) });
    await ended(operation);
    expect(await items(operation)).toMatchObject([{ status: "applied" }]);
  });

  test("of nothing completes at once", async () => {
    const operation = await create({ operation: "cancel", filter: { tag_key: uuid() } });
    expect(await ended(operation)).toMatchObject({ status: "completed", progress: { total: 0 } });
    expect(await items(operation)).toEqual([]);
  });
});

describe("pause and resume", () => {
  test("hold and release each run, leave alone those that are so already, and keep who did it", async () => {
    const runs = await started(4);
    await Promise.all(runs.map((run) => opens(stack, run, "gate")));
    await ok(stack, "POST", `/v1/workflow-runs/${runs[0]?.id}/pause`);
    const pause = await create({ operation: "pause", ids: ids(runs) });
    expect(await ended(pause)).toMatchObject({ progress: { applied: 3, skipped: 1 } });
    expect(new Set(await statuses(runs))).toEqual(new Set(["paused"]));
    const { rows } = await stack.deps.db.query("select outcome from run_commands where run_id = $1", [runs[1]?.id]);
    expect(rows.map(({ outcome }) => JSON.parse(outcome))).toMatchObject([
      { id: `bulk-operation/${pause.id}`, verb: "pause", actor: "ada", status: "applied" },
    ]);

    await ok(stack, "POST", `/v1/workflow-runs/${runs[0]?.id}/resume`);
    const resume = await create({ operation: "resume", ids: ids(runs) });
    expect(await ended(resume)).toMatchObject({ progress: { applied: 3, skipped: 1 } });
    expect(new Set(await statuses(runs))).toEqual(new Set(["running"]));
  });

  test("of a run that is over are its failure, in the words of the single verb", async () => {
    const runs = await canceled(1);
    const errors = { pause: "workflow run already in terminal state", resume: "workflow run is not paused" };
    for (const [operation, error] of Object.entries(errors)) {
      const created = await create({ operation, ids: ids(runs) });
      await ended(created);
      expect(await items(created)).toMatchObject([{ status: "failed", code: "invalid_state", error }]);
    }
  });
});

describe("replay", () => {
  test("retries each run that is over, and names the new one", async () => {
    const over = await canceled(2);
    const [open] = (await started(1)) as [WorkflowRun];
    const operation = await create({ operation: "replay", ids: ids([...over, open]) });
    expect(await ended(operation)).toMatchObject({ progress: { applied: 2, failed: 1 } });
    const outcomes = await items(operation);
    expect(outcomes[2]).toMatchObject({
      status: "failed",
      code: "invalid_state",
      error: `cannot retry workflow run ${open.id}: status is running (must be terminal)`,
    });
    for (const [i, run] of over.entries()) {
      const made = await getRun(stack, { ...run, id: outcomes[i]?.new_run_id ?? "" });
      expect(made).toMatchObject({ retry_of_run_id: run.id, triggered_by: "retry", status: "running" });
    }
  });
});

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
  await db.query(`
    insert into workflow_runs (id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status,
      triggered_by, created_at, depth, revision)
    select gen_random_uuid(), gen_random_uuid(), 'w', 'huge', 1, 'ver', 'completed', 'manual', now(), 0, 1
    from generate_series(1, 100001)`);
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
