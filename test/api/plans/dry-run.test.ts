import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { DryRun, WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getSteps,
  opens,
  reaches,
  runOf,
  trigger,
  work,
} from "../definitions.ts";
import { answered, expectProblem, refused, run as runShape, stepAnswer } from "../shapes.ts";
import { type RequestOptions, type Stack, startStack } from "../../stack/harness.ts";
import { scenarioOn } from "../../stack/scenario.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const status = z.enum(["pending", "waiting", "running", "completed", "failed", "skipped", "canceled"]);
const runStatus = z.enum(["pending", "running", "paused", "completed", "failed", "timed_out", "canceled"]);
const plan = z.strictObject({
  dry_run: z.literal(true),
  workflow_run_id: z.uuid(),
  status: runStatus,
  status_after: runStatus,
  reset_steps: z.int().min(0),
  steps: z.array(
    z.strictObject({
      step_ref: z.string().min(1),
      status,
      status_after: status,
      actions: z.array(z.enum(["kept", "canceled", "reset", "started", "ended"])).min(1),
      reason: z.string().min(1),
    }),
  ),
});
const bulkPlan = z.strictObject({
  dry_run: z.literal(true),
  replayed: z.int(),
  failed: z.int(),
  total: z.int(),
  results: z.array(
    z.discriminatedUnion("status", [
      z.strictObject({ original_run_id: z.string(), status: z.literal("replayed"), plan }),
      z.strictObject({ original_run_id: z.string(), status: z.literal("failed"), error: z.string().min(1) }),
    ]),
  ),
});

const RUN_RETRY = "retry";
const STEP_VERBS = ["retry", "replay-subtree", "skip", "force-complete"] as const;
const step = (ref: string, verb: string) => `steps/${ref}/${verb}`;
const post = (run: WorkflowRun, path: string, query = "", body?: unknown, options?: RequestOptions) =>
  stack.request("POST", `/v1/workflow-runs/${run.id}/${path}${query}`, body, options);
const dry = async (run: WorkflowRun, path: string, body?: unknown): Promise<DryRun> =>
  answered(await post(run, path, "?dryRun=true", body, KEY), 200, plan);
const KEY: RequestOptions = { headers: { "Idempotency-Key": "the same one each time" } };
const actions = ({ steps }: DryRun) => Object.fromEntries(steps.map((one) => [one.step_ref, one.actions.join(" ")]));
const foreseen = ({ steps }: DryRun) => Object.fromEntries(steps.map((one) => [one.step_ref, one.status_after]));
const statuses = async (run: WorkflowRun) =>
  Object.fromEntries((await getSteps(stack, run)).map((one) => [one.step_ref, one.status]));

/** All that a run has left behind, in Temporal and in Postgres, once it rests. */
async function traces(run: WorkflowRun) {
  await scenarioOn(stack).rests(run);
  const { events } = await stack.deps.temporal.workflow.getHandle(run.id).fetchHistory();
  const counts = await stack.deps.db.query(
    `select (select count(*) from run_commands) as commands, (select count(*) from workflow_runs) as runs,
       (select count(*) from idempotency_keys) as keys, (select count(*) from documents) as documents,
       (select revision from workflow_runs where id = $1) as revision`,
    [run.id],
  );
  return {
    events: events?.length,
    counts: counts.rows[0],
    run: await getRun(stack, run),
    steps: await getSteps(stack, run),
  };
}

/** "a" has completed, "b" has failed the run, "c" and "gate" were canceled with it. */
async function failedRun(): Promise<WorkflowRun> {
  stack.jobs.on("/a", () => ({ body: { a: 1 } }));
  stack.jobs.on("/b", () => ({ status: 422, body: "no" }));
  const [a, b] = await Promise.all([createJob(stack, "/a"), createJob(stack, "/b")]);
  const steps = [
    work("a", a),
    gate("gate", { depends_on: ["a"] }),
    work("b", b, { depends_on: ["a"] }),
    work("c", a, { depends_on: ["b"] }),
  ];
  return reaches(stack, await runOf(stack, steps), "failed");
}

async function openRun(): Promise<WorkflowRun> {
  const run = await runOf(stack, [gate("gate"), gate("next", { depends_on: ["gate"] })]);
  await opens(stack, run, "gate");
  return run;
}

describe("dryRun=true", () => {
  test("of an open run answers the plan of the live run, changes nothing, and then the same is what happens", async () => {
    for (const verb of ["skip", "force-complete"]) {
      const run = await openRun();
      const before = await traces(run);
      const seen = await dry(run, step("gate", verb), { [verb === "skip" ? "reason" : "result"]: "x".repeat(2000) });
      expect(seen).toMatchObject({ workflow_run_id: run.id, status: "running", status_after: "running" });
      expect(actions(seen)).toEqual({ gate: "ended", next: "started" });
      expect(await traces(run)).toEqual(before);

      answered(await post(run, step("gate", verb), "?dryRun=false", {}, KEY), 200, stepAnswer);
      expect(await statuses(run)).toEqual(foreseen(seen));
    }
  });

  test("of a paused run sees what is canceled and reset", async () => {
    const run = await openRun();
    await post(run, "pause");
    const seen = await dry(run, step("gate", "replay-subtree"));
    expect(seen).toMatchObject({ status: "paused", status_after: "running", reset_steps: 2 });
    expect(actions(seen)).toEqual({ gate: "canceled reset started", next: "reset" });
    const act = await post(run, step("gate", "replay-subtree"), "", undefined, KEY);
    expect(act.body).toEqual({ reset_steps: seen.reset_steps });
  });

  test("of a closed run answers from what is mirrored, and does not open it", async () => {
    const run = await failedRun();
    const before = await traces(run);
    const retry = await dry(run, step("b", "retry"));
    expect(actions(retry)).toEqual({ a: "kept", gate: "reset started", b: "reset started", c: "reset" });
    const replay = await dry(run, step("a", "replay-subtree"));
    expect(replay).toMatchObject({ status: "failed", status_after: "running", reset_steps: 4 });
    expect(actions(replay)).toEqual({ a: "reset started", gate: "reset", b: "reset", c: "reset" });
    expect(await traces(run)).toEqual(before);

    stack.jobs.on("/b", () => new Promise(() => {}));
    answered(await post(run, step("b", "retry"), "", undefined, KEY), 200, stepAnswer);
    await opens(stack, run, "gate");
    expect(await statuses(run)).toEqual(foreseen(retry));
  });

  test("of a run retry tells of the new run, and makes none", async () => {
    const run = await failedRun();
    const before = await traces(run);
    const seen = await dry(run, RUN_RETRY);
    expect(actions(seen)).toEqual({ a: "kept", gate: "reset started", b: "reset started", c: "reset" });
    expect(await traces(run)).toEqual(before);

    stack.jobs.on("/b", () => new Promise(() => {}));
    const retried = answered(await post(run, RUN_RETRY, "", undefined, KEY), 201, runShape);
    await opens(stack, retried, "gate");
    expect(await statuses(retried)).toEqual(foreseen(seen));
  });

  test("of a bulk replay tells of each run, or why not", async () => {
    const [over, open] = await Promise.all([failedRun(), openRun()]);
    const ids = [over.id, open.id, "nope"];
    const before = await traces(over);
    const path = "/v1/workflow-runs/bulk-replay";
    const seen = answered(await stack.request("POST", `${path}?dryRun=true`, { workflow_run_ids: ids }), 200, bulkPlan);
    expect(seen).toMatchObject({ replayed: 1, failed: 2, total: 3 });
    expect(seen.results[0]).toMatchObject({
      plan: { workflow_run_id: over.id, steps: [{ actions: ["kept"] }, {}, {}, {}] },
    });
    expect(await traces(over)).toEqual(before);
    const act = await stack.request<{ results: object[] }>("POST", path, { workflow_run_ids: ids });
    expect(act.body.results.slice(1)).toEqual(seen.results.slice(1));
  });

  test("is refused as the act is", async () => {
    const [open, over] = await Promise.all([openRun(), failedRun()]);
    const cases: [WorkflowRun, string][] = [
      [open, RUN_RETRY],
      [open, step("gate", "retry")],
      [open, step("next", "replay-subtree")],
      [over, step("a", "skip")],
      [over, step("c", "force-complete")],
      ...STEP_VERBS.map((verb): [WorkflowRun, string] => [open, step("nope", verb)]),
      ...STEP_VERBS.map((verb): [WorkflowRun, string] => [over, step("x".repeat(200), verb)]),
      [{ ...open, id: uuid() }, step("gate", "skip")],
      [{ ...open, id: uuid() }, RUN_RETRY],
    ];
    for (const [run, path] of cases) {
      const [seen, act] = [await post(run, path, "?dryRun=true"), await post(run, path)];
      const { request_id: _, ...problem } = expectProblem(seen);
      const { request_id: __, ...same } = expectProblem(act);
      expect([seen.status, problem]).toEqual([act.status, same]);
    }
    const theirs = { token: stack.token({ projects: ["other"] }) };
    for (const [run, path] of cases.slice(0, 5))
      refused(await post(run, path, "?dryRun=true", undefined, theirs), 404, "not_found", "workflow run not found");
  });

  test("of a run retry is refused where the workflow has all the runs it may have", async () => {
    const workflow = await createWorkflow(stack, [gate("gate")], { max_concurrent_runs: 1 });
    const run = await trigger(stack, workflow);
    await stack.request("DELETE", `/v1/workflow-runs/${run.id}`);
    expect((await dry(run, RUN_RETRY)).reset_steps).toBe(1);
    await trigger(stack, workflow);
    refused(await post(run, RUN_RETRY, "?dryRun=true"), 409, "conflict", "max concurrent runs reached");
  });

  test("that is neither true nor false is refused by name, and nothing is done", async () => {
    const [open, over] = await Promise.all([openRun(), failedRun()]);
    const before = [await traces(open), await traces(over)];
    const paths: [WorkflowRun, string][] = [
      ...STEP_VERBS.map((verb): [WorkflowRun, string] => [verb.startsWith("re") ? over : open, step("gate", verb)]),
      [over, RUN_RETRY],
    ];
    for (const [run, path] of paths) {
      for (const value of ["", "yes", "True", "1", "true&dryRun=true"])
        refused(await post(run, path, `?dryRun=${value}`), 400, "validation_error", "dryRun must be true or false");
    }
    const bulk = { workflow_run_ids: [over.id] };
    const answer = await stack.request("POST", "/v1/workflow-runs/bulk-replay?dryRun=no", bulk);
    refused(answer, 400, "validation_error", "dryRun must be true or false");
    expect([await traces(open), await traces(over)]).toEqual(before);
  });

  test("of an open run is a 503 while no worker can say, and of a closed one is answered all the same", async () => {
    const [open, over] = await Promise.all([openRun(), failedRun()]);
    for (const run of [open, over]) await scenarioOn(stack).rests(run);
    await stack.stopWorker();
    refused(await post(open, step("gate", "skip"), "?dryRun=true"), 503, "unavailable", /^no worker can say/);
    expect((await dry(over, step("b", "retry"))).reset_steps).toBe(2);
    await stack.startWorker();
    expect(actions(await dry(open, step("gate", "skip")))).toEqual({ gate: "ended", next: "started" });
  });
});
