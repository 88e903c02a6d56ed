import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import { createWorkflow, gate, getRun, ok, opens, reaches } from "../definitions.ts";
import { bulkOperation } from "../bulk-shapes.ts";
import { answered, refused } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { ids, operationsOn, PATH } from "./operations.ts";

let stack: Stack;
let workflow: Workflow;
beforeAll(async () => {
  stack = await startStack();
  workflow = await createWorkflow(stack, [gate("gate")]);
});
afterAll(() => stack.stop());
const { post, create, items, ended, started, statuses, canceled } = operationsOn(
  () => stack,
  () => workflow,
);

describe("a body is refused", () => {
  const ID = uuid();
  const good = { operation: "cancel", ids: [ID] };
  const OPERATIONS = "operation: must be one of cancel, replay, pause, resume, retry, approve, reject, skip";
  const filtered = (filter: object) => ({ operation: "cancel", filter });
  test.each([
    ["without an operation", { ids: [ID] }, OPERATIONS],
    ["of another operation", { ...good, operation: "delete" }, OPERATIONS],
    [
      "with a step where it has no use",
      { ...good, step_ref: "a" },
      "step_ref: is only for retry, approve, reject and skip",
    ],
    ["with a version where it has no use", { ...good, version: "latest" }, "version: is only for retry and replay"],
    [
      "with a version there is none of",
      { operation: "retry", ids: [ID], version: "7" },
      "version: must be one of pin, latest, minor",
    ],
    ["with nothing to skip", { ...good, operation: "skip" }, "step_ref: required"],
    ["without ids and filter", { operation: "cancel" }, "body: exactly one of ids and filter is required"],
    ["with both", { ...good, filter: { status: "running" } }, "body: exactly one of ids and filter is required"],
    ["with no ids", { ...good, ids: [] }, "ids: must not be empty"],
    ["with what is no id", { ...good, ids: [ID, "nonsense"] }, "ids[1]: must be an id"],
    ["with too many ids", { ...good, ids: Array(100_001).fill(ID) }, "ids: must have at most 100000 entries"],
    ["with an empty filter", { operation: "cancel", filter: {} }, "filter: must not be empty"],
    ["with a filter of nothing", { operation: "cancel", filter: {} }, "filter: must not be empty"],
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
      "with a null, which would let through every run",
      { operation: "cancel", filter: { status: "running", workflow_id: null } },
      "filter.workflow_id: must be a string",
    ],
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
    [
      "with one status of several there is none of",
      filtered({ status: ["failed", "done"] }),
      "filter.status: must be one of pending, running, paused, completed, failed, timed_out, canceled",
    ],
    [
      "with what is no time",
      filtered({ created_after: "yesterday" }),
      "filter.created_after: must be a valid RFC3339 timestamp",
    ],
    [
      "with two letters of an error",
      filtered({ error_contains: "ab" }),
      "filter.error_contains: must have at least 3 characters",
    ],
    [
      "with no time to wait",
      filtered({ waiting_longer_than_secs: -1 }),
      "filter.waiting_longer_than_secs: must be >= 0",
    ],
    ["with a word for yes", filtered({ is_retried: "yes" }), "filter.is_retried: must be a boolean"],
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
