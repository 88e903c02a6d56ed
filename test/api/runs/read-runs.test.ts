import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getStep,
  getSteps,
  listed,
  opens,
  reaches,
  runOf,
  trigger,
  work,
} from "../definitions.ts";
import { answered, envelope, refused, run as runShape, stepRun } from "../shapes.ts";
import { runsOn } from "./steered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { get, cancel, atGate } = runsOn(() => stack);
const steps = (run: WorkflowRun, query = "") => stack.request("GET", `/v1/workflow-runs/${run.id}/steps${query}`);

describe("getting a run", () => {
  test("shows what it was triggered with, and who by", async () => {
    const definition = await createWorkflow(stack, [gate("gate")], { max_parallel_steps: 4, timeout_secs: 3600 });
    const body = { payload: { order: 7 }, tags: { team: "a" }, triggered_by: "a script" };
    const run = answered(await get(await trigger(stack, definition, body)), 200, runShape);
    expect(run).toMatchObject({
      workflow_id: definition.id,
      workflow_version: 1,
      workflow_version_id: definition.version_id,
      project_id: "demo",
      status: "running",
      triggered_by: "a script",
      created_by: "ada",
      max_parallel_steps: 4,
      payload: { order: 7 },
      tags: { team: "a" },
    });
    expect(Date.parse(run.expires_at ?? "") - Date.parse(run.created_at)).toBe(3_600_000);
  });

  test("with wait_secs, is answered when the run has ended, or as it is when that is not in time", async () => {
    const run = await runOf(stack, [gate("gate")]);
    await opens(stack, run, "gate");
    const path = `/v1/workflow-runs/${run.id}`;
    expect((await stack.request("GET", `${path}?wait_secs=1`)).body).toMatchObject({ status: "running" });

    const ended = stack.request("GET", `${path}?wait_secs=20`);
    await stack.request("POST", `${path}/steps/gate/approve`);
    expect((await ended).body).toMatchObject({ status: "completed" });
    expect((await stack.request("GET", `${path}?wait_secs=20`)).body).toMatchObject({ status: "completed" });

    const canceled = await runOf(stack, [gate("gate")]);
    const end = stack.request("GET", `/v1/workflow-runs/${canceled.id}?wait_secs=20`);
    await cancel(canceled);
    expect((await end).body).toMatchObject({ status: "canceled" });

    const odd = await stack.request("GET", `${path}?wait_secs=soon`);
    refused(odd, 400, "validation_error", "wait_secs must be a whole number of seconds");
  });

  test("leaves out what has no value", async () => {
    const run = answered(await get(await atGate()), 200, runShape);
    expect(Object.keys(run).sort()).toEqual(
      [
        ...["id", "workflow_id", "project_id", "status", "triggered_by", "workflow_version", "workflow_version_id"],
        ...["created_by", "created_at", "started_at"],
      ].sort(),
    );
  });

  test("shows the same times, and the same created_by, on every read", async () => {
    const first = await runOf(stack, [gate("gate")], { timeout_secs: 3600 });
    await opens(stack, first, "gate");
    const constants = ({ id, created_at, started_at, expires_at, created_by }: WorkflowRun) => {
      return { id, created_at, started_at, expires_at, created_by };
    };
    const open = await getRun(stack, first);
    const canceled = answered(await cancel(first), 200, runShape) as WorkflowRun;
    const reads = [open, canceled, await getRun(stack, first), await listed(stack, first)];
    expect(first.started_at).toBeDefined();
    for (const read of reads) expect(constants(read as WorkflowRun)).toEqual(constants(first));
    for (const read of reads.slice(2)) expect(read).toEqual(canceled);
  });

  test("shows a failed step's own words as its error", async () => {
    stack.jobs.on("/boom", () => ({ status: 500, body: "boom" }));
    const job = await createJob(stack, "/boom");
    const run = await reaches(stack, await runOf(stack, [work("only", job)]), "failed");
    answered(await get(run), 200, runShape);
    expect(run.error).toBe("endpoint returned 500: boom");
    const inList = await until(async () => {
      const item = await listed(stack, run);
      return item?.finished_at && item;
    });
    expect(inList).toEqual(run);
    expect(await getStep(stack, run, "only")).toMatchObject({ status: "failed", error: run.error });
  });
});

describe("listing a run's steps", () => {
  const refs = ["zeta", "alpha", "mid", "beta"];
  let run: WorkflowRun;
  beforeAll(async () => {
    run = await runOf(
      stack,
      refs.map((ref, i) => gate(ref, { depends_on: refs.slice(Math.max(0, i - 1), i) })),
    );
    await opens(stack, run, "zeta");
  });

  test("shows all of them, in the order of the definition, whatever changes", async () => {
    const shown = async () => (await getSteps(stack, run)).map(({ step_ref }) => step_ref);
    expect(await shown()).toEqual(refs);
    await stack.request("POST", `/v1/workflow-runs/${run.id}/steps/mid/skip`);
    expect(await shown()).toEqual(refs);
    const answer = await steps(run);
    const [first, second] = answered(answer, 200, stepRun.array());
    expect(first).toMatchObject({ workflow_run_id: run.id, attempt: 1, status: "waiting", deps_required: 0 });
    expect(second).toMatchObject({ attempt: 1, status: "waiting", deps_completed: 0, deps_required: 1 });
    expect(second).not.toHaveProperty("started_at");
    expect(answer.headers.get("x-has-more")).toBe("false");
  });

  test("shows more than a page of them at once, unless a limit is given", async () => {
    const many = await runOf(
      stack,
      Array.from({ length: 120 }, (_, i) => gate(`s${i}`)),
    );
    expect(answered(await steps(many), 200, stepRun.array())).toHaveLength(120);
    expect(answered(await steps(many, "?limit=500"), 200, stepRun.array())).toHaveLength(100);
  });

  test("in pages, when a limit is given, is followed by header or envelope to the last", async () => {
    const first = await steps(run, "?limit=3");
    expect(answered(first, 200, stepRun.array()).map(({ step_ref }) => step_ref)).toEqual(refs.slice(0, 3));
    expect(first.headers.get("x-has-more")).toBe("true");
    const cursor = first.headers.get("x-next-cursor") ?? "";
    expect(first.headers.get("link")).toBe(`</v1/workflow-runs/${run.id}/steps?limit=3&cursor=${cursor}>; rel="next"`);
    const last = await steps(run, `?limit=3&cursor=${cursor}&envelope=true`);
    const { data, ...rest } = answered(last, 200, envelope(stepRun));
    expect(data.map(({ step_ref }) => step_ref)).toEqual(refs.slice(3));
    expect(rest).toEqual({ has_more: false });
  });

  test("refuses a limit or a cursor that is none", async () => {
    refused(await steps(run, "?limit=0"), 400, "validation_error", "limit must be a positive integer");
    refused(await steps(run, "?cursor=nonsense"), 400, "validation_error", "cursor is not one of this list");
  });

  test("shows an ended job step with its output and its job run", async () => {
    stack.jobs.on("/output", () => ({ body: { ok: true, n: 12345678901234567890n } }));
    const job = await createJob(stack, "/output");
    const done = await reaches(stack, await runOf(stack, [work("only", job)]), "completed");
    const [step] = answered(await steps(done), 200, stepRun.array());
    expect(step).toMatchObject({ status: "completed", output: { ok: true, n: 12345678901234567890n } });
    expect(step?.job_run_id).toBeDefined();
  });
});
