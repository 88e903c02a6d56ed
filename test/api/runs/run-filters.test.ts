import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunCounts, StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import { createWorkflow, gate, getRun, ok, opens, reaches, runOf, trigger, wait } from "../definitions.ts";
import { answered, refused, run, stepRun } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const list = async (query: string) =>
  answered(await stack.request("GET", `/v1/workflow-runs?${query}`), 200, run.array()) as WorkflowRun[];
const ids = (runs: WorkflowRun[]) => runs.map(({ id }) => id);

/** As if all that the run waits for had been asked for long ago. */
const waitedFor = (secs: number, { id }: WorkflowRun) =>
  stack.deps.db.query(
    `with waits as (update event_triggers set requested_at = requested_at - make_interval(secs => $2) where run_id = $1)
     update workflow_runs set created_at = created_at - make_interval(secs => $2) where id = $1`,
    [id, secs],
  );

describe("a filter is refused", () => {
  test.each([
    ["status=failed&status=done", "status is invalid"],
    ["created_after=yesterday", "created_after must be a valid RFC3339 timestamp"],
    ["finished_before=2026-03-02", "finished_before must be a valid RFC3339 timestamp"],
    ["error_contains=ab", "error_contains must have at least 3 characters"],
    ["waiting_longer_than_secs=1h", "waiting_longer_than_secs must be a whole number of seconds"],
    ["waiting_longer_than_secs=-1", "waiting_longer_than_secs must be a whole number of seconds"],
    ["is_retried=no", "is_retried must be true or false"],
    ["created_by=ada&created_by=ben", "created_by must be given once"],
    ["tag_value=a", "tag_key is required when tag_value is provided"],
    ["nonsense=1", "unknown query parameter nonsense"],
  ])("that says %s", async (query, error) => {
    const id = (await createWorkflow(stack, [gate("gate")])).id;
    for (const path of ["/v1/workflow-runs", "/v1/workflow-runs/counts", `/v1/workflows/${id}/runs`])
      refused(await stack.request("GET", `${path}?${query}`), 400, "validation_error", error);
  });

  test("that sorts by nothing there is, or sorts counts", async () => {
    const sort = await stack.request("GET", "/v1/workflow-runs?sort=-created");
    refused(sort, 400, "validation_error", "sort must be created or finished");
    const counts = await stack.request("GET", "/v1/workflow-runs/counts?sort=created");
    refused(counts, 400, "validation_error", "unknown query parameter sort");
  });

  test("that names a workflow of another route's, and finds none of another project or of no form", async () => {
    const { workflow_id } = await runOf(stack, [gate("gate")]);
    const twice = await stack.request("GET", `/v1/workflows/${workflow_id}/runs?workflow_id=${workflow_id}`);
    refused(twice, 400, "validation_error", "unknown query parameter workflow_id");
    const token = stack.token({ projects: ["other"] });
    for (const [id, options] of [[workflow_id, { token }], [uuid()], ["none"]] as const) {
      const found = await stack.request("GET", `/v1/workflow-runs?workflow_id=${id}`, undefined, options);
      expect(answered(found, 200, run.array())).toEqual([]);
      const counts = await ok<RunCounts>(
        stack,
        "GET",
        `/v1/workflow-runs/counts?workflow_id=${id}`,
        undefined,
        options,
      );
      expect(counts).toEqual({ total: 0, by_status: {}, by_workflow: [], capped: [] });
    }
  });
});

test("what has waited for long is listed with what it waits for, the longest first", async () => {
  const own = await createWorkflow(stack, [
    gate("review"),
    wait("paid", "paid {{payload.order}}"),
    gate("later", { depends_on: ["paid"] }),
  ]);
  const [long, short] = [
    await trigger(stack, own, { payload: { order: uuid() } }),
    await trigger(stack, own, { payload: { order: uuid() } }),
  ];
  for (const one of [long, short]) await Promise.all([opens(stack, one, "review"), opens(stack, one, "paid")]);
  await waitedFor(7200, long);
  const found = await list(`waiting_longer_than_secs=3600&workflow_id=${own.id}`);
  expect(ids(found)).toEqual([long.id]);
  expect(found[0]?.waiting_on).toHaveLength(2);
  expect(found[0]?.waiting_on).toEqual(
    expect.arrayContaining([
      { step_ref: "review", source: "approval", requested_at: expect.any(String), approvers: ["ada"] },
      {
        step_ref: "paid",
        source: "wait_for_event",
        requested_at: expect.any(String),
        expires_at: expect.any(String),
        event_key: expect.any(String),
      },
    ]),
  );
  expect(ids(await list(`waiting_longer_than_secs=0&status=running&workflow_id=${own.id}`))).toEqual([
    short.id,
    long.id,
  ]);
  expect((await list(`workflow_id=${own.id}`)).every(({ waiting_on }) => waiting_on === undefined)).toBe(true);
  await ok(stack, "POST", `/v1/workflow-runs/${long.id}/steps/review/approve`);
  const [still] = await list(`waiting_longer_than_secs=3600&workflow_id=${own.id}`);
  expect(still?.waiting_on).toMatchObject([{ step_ref: "paid" }]);
});

test("a run that was retried names its newest retry, by itself and in lists", async () => {
  const own = await createWorkflow(stack, [gate("gate")]);
  const source = await trigger(stack, own);
  await ok(stack, "DELETE", `/v1/workflow-runs/${source.id}`);
  expect(ids(await list(`is_retried=false&workflow_id=${own.id}`))).toEqual([source.id]);
  let newest: WorkflowRun | undefined;
  for (let i = 0; i < 2; i++) {
    newest = await ok<WorkflowRun>(stack, "POST", `/v1/workflow-runs/${source.id}/retry`);
    expect(newest).not.toHaveProperty("retried_by_run_id");
    expect((await getRun(stack, source)).retried_by_run_id).toBe(newest.id);
  }
  const [retried] = await list(`is_retried=true&workflow_id=${own.id}`);
  expect(retried).toMatchObject({ id: source.id, retried_by_run_id: newest?.id });
  expect(ids(await list(`is_retried=false&status=canceled&workflow_id=${own.id}`))).toEqual([]);
});

test("of very many of one status 10,000 are counted, and the answer says so", async () => {
  const token = stack.token({ projects: ["many"] });
  await stack.deps.db.query(
    `insert into workflow_runs (
       id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
       created_at, depth, revision)
     select gen_random_uuid(), $1, 'many', 'many', 1, 'ver_1', case when i <= 10001 then 'completed' else 'failed' end, 'manual',
       'ada', now(), 0, 1 from generate_series(1, 10005) i`,
    [uuid()],
  );
  const counts = (query = "") => ok<RunCounts>(stack, "GET", `/v1/workflow-runs/counts${query}`, undefined, { token });
  expect(await counts()).toMatchObject({
    total: 10_004,
    by_status: { completed: 10_000, failed: 4 },
    by_workflow: [{ total: 10_004 }],
    capped: ["completed"],
  });
  expect(await counts("?status=failed")).toMatchObject({ total: 4, capped: [] });
  expect(await counts("?created_by=ada&status=failed,completed")).toMatchObject({
    total: 10_000,
    capped: ["failed", "completed"],
  });
});

test("runs in the order in which they ended, those that are open left out", async () => {
  const own = await createWorkflow(stack, [gate("gate")]);
  const [first, second] = [await trigger(stack, own), await trigger(stack, own)];
  await trigger(stack, own);
  for (const one of [second, first]) {
    await ok(stack, "DELETE", `/v1/workflow-runs/${one.id}`);
    await reaches(stack, one, "canceled");
  }
  expect(ids(await list(`sort=finished&workflow_id=${own.id}`))).toEqual([first.id, second.id]);
  expect(ids(await list(`sort=created&status=canceled&workflow_id=${own.id}`))).toEqual([second.id, first.id]);
});

test("the steps of a run are listed by status, and paged within it", async () => {
  const one = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] }), gate("c", { depends_on: ["a"] })]);
  await opens(stack, one, "a");
  await ok(stack, "POST", `/v1/workflow-runs/${one.id}/steps/c/skip`);
  const steps = async (query: string) =>
    answered(
      await stack.request("GET", `/v1/workflow-runs/${one.id}/steps?${query}`),
      200,
      stepRun.array(),
    ) as StepRun[];
  const refs = async (query: string) => (await steps(query)).map(({ step_ref }) => step_ref);
  expect(await refs("status=waiting")).toEqual(["a", "b"]);
  expect(await refs("status=skipped&status=waiting")).toEqual(["a", "b", "c"]);
  const first = await stack.request("GET", `/v1/workflow-runs/${one.id}/steps?status=waiting&limit=1`);
  expect(await refs(`status=waiting&limit=1&cursor=${first.headers.get("x-next-cursor")}`)).toEqual(["b"]);
  const bad = await stack.request("GET", `/v1/workflow-runs/${one.id}/steps?status=done`);
  refused(bad, 400, "validation_error", "status is invalid");
  const attempts = await stack.request("GET", `/v1/workflow-runs/${one.id}/steps/a/attempts?status=failed`);
  refused(attempts, 400, "validation_error", "unknown query parameter status");
});
