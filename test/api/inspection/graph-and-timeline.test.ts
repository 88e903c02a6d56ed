import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getStep,
  ok,
  opens,
  reaches,
  runOf,
  stepReaches,
  trigger,
  work,
} from "../definitions.ts";
import { answered, id, positive, refused, run as runShape, stepRun, text, time } from "../shapes.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const ms = z.int().min(0);
const refs = z.array(text);
const graphShape = z.strictObject({
  workflow_run_id: id,
  workflow_id: id,
  version: positive,
  nodes: z.array(
    z.strictObject({
      step_ref: text,
      type: text,
      status: stepRun.shape.status,
      depends_on: refs.min(1).optional(),
      attempt: positive,
      started_at: time.optional(),
      finished_at: time.optional(),
      duration_ms: ms.optional(),
    }),
  ),
  edges: z.array(z.strictObject({ from: text, to: text })),
  roots: refs,
  runnable: refs,
  critical_path: refs,
  critical_path_estimate_ms: ms,
  critical_path_remaining_ms: ms,
});
const timelineShape = z.strictObject({
  workflow_run_id: id,
  status: runShape.shape.status,
  started_at: time.optional(),
  finished_at: time.optional(),
  total_ms: ms,
  steps: z.array(
    z.strictObject({
      step_run_id: id,
      step_ref: text,
      status: stepRun.shape.status,
      started_at: time.optional(),
      finished_at: time.optional(),
      duration_ms: ms,
      parallel_with: refs.min(1).optional(),
      on_critical_path: z.boolean(),
      wait_ms: ms,
    }),
  ),
});

const look = (what: string, { id: run }: Pick<WorkflowRun, "id">) =>
  stack.request("GET", `/v1/workflow-runs/${run}/${what}`);
const graphOf = async (run: WorkflowRun) => answered(await look("graph", run), 200, graphShape);
const timelineOf = async (run: WorkflowRun) => answered(await look("timeline", run), 200, timelineShape);
const node = ({ nodes }: z.infer<typeof graphShape>, ref: string) => nodes.find(({ step_ref }) => step_ref === ref);

describe("the graph of a run", () => {
  test("says what depends on what, what could start, and which way takes longest", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [
      work("done", job),
      gate("gate", { depends_on: ["done"] }),
      work("limited", job, { depends_on: ["gate"], timeout_secs_override: 3000 }),
      work("other", job, { depends_on: ["done", "gate"] }),
      gate("alone"),
    ]);
    await opens(stack, run, "gate");
    const graph = await graphOf(run);
    expect(graph).toMatchObject({ workflow_run_id: run.id, workflow_id: run.workflow_id, version: 1, runnable: [] });
    expect(graph.nodes.map(({ step_ref, type, status }) => [step_ref, type, status])).toEqual([
      ["done", "job", "completed"],
      ["gate", "approval", "waiting"],
      ["limited", "job", "waiting"],
      ["other", "job", "waiting"],
      ["alone", "approval", "waiting"],
    ]);
    expect(graph.edges).toEqual([
      { from: "done", to: "gate" },
      { from: "gate", to: "limited" },
      { from: "done", to: "other" },
      { from: "gate", to: "other" },
    ]);
    expect(graph.roots).toEqual(["alone", "done"]);
    expect(graph.critical_path).toEqual(["done", "gate", "limited"]);
    // What is over has nothing left; a gate has no estimate but its time so far.
    expect(graph.critical_path_remaining_ms).toBe(3_000_000);
    const [done, open] = [node(graph, "done"), node(graph, "gate")].map((one) => one?.duration_ms ?? Number.NaN);
    expect(graph.critical_path_estimate_ms).toBe(3_000_000 + (done ?? 0) + (open ?? 0));
    const step = await getStep(stack, run, "done");
    expect(node(graph, "done")).toMatchObject({
      started_at: step.started_at,
      finished_at: step.finished_at,
      attempt: 1,
    });
    expect(node(graph, "limited")).not.toHaveProperty("duration_ms");
  });

  test("has a critical path that goes on through what is to come, though nobody knows how long it takes", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [
      work("build", job),
      gate("review", { depends_on: ["build"] }),
      work("ship", job, { depends_on: ["review"] }),
      work("tell", job, { depends_on: ["ship"] }),
      work("also", job, { depends_on: ["review"] }),
    ]);
    await opens(stack, run, "review");
    const graph = await graphOf(run);
    expect(graph.critical_path).toEqual(["build", "review", "ship", "tell"]);
    expect(graph.critical_path_remaining_ms).toBe(0);
    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    expect((await graphOf(run)).critical_path.slice(0, 2)).toEqual(["build", "review"]);
  });

  test("names what only a pause holds back as runnable, and leaves out what the trigger disabled", async () => {
    const workflow = await createWorkflow(stack, [
      gate("gate"),
      gate("off", { depends_on: ["gate"] }),
      gate("b", { depends_on: ["off"] }),
      gate("a", { depends_on: ["gate"] }),
    ]);
    const run = await trigger(stack, workflow, { step_overrides: [{ step_ref: "off" }] });
    await opens(stack, run, "gate");
    await opens(stack, run, "b");
    expect((await graphOf(run)).runnable).toEqual([]);
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/pause`);
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/gate/approve`);
    const graph = await graphOf(run);
    expect(graph.runnable).toEqual(["a"]);
    expect(graph.nodes.map(({ step_ref }) => step_ref)).toEqual(["gate", "b", "a"]);
    expect(graph.roots).toEqual(["b", "gate"]);
    expect(node(graph, "b")).not.toHaveProperty("depends_on");
  });
});

describe("the timeline of a run", () => {
  test("lists steps as they began, with what ran beside them", async () => {
    const job = await createJob(stack);
    const run = await runOf(stack, [gate("never", { depends_on: ["gate"] }), gate("gate"), work("quick", job)]);
    await opens(stack, run, "gate");
    await stepReaches(stack, run, "quick", "completed");
    const open = await timelineOf(run);
    expect(open).toMatchObject({ workflow_run_id: run.id, status: "running" });
    expect(open).not.toHaveProperty("finished_at");
    const byRef = new Map(open.steps.map((step) => [step.step_ref, step]));
    expect(open.steps.map(({ step_ref }) => step_ref).at(-1)).toBe("never");
    expect(byRef.get("gate")).toMatchObject({ parallel_with: ["quick"], on_critical_path: true, wait_ms: 0 });
    expect(byRef.get("quick")).toMatchObject({ parallel_with: ["gate"], on_critical_path: false });
    expect(byRef.get("never")).toMatchObject({ status: "waiting", duration_ms: 0, on_critical_path: false });
    expect(byRef.get("gate")?.step_run_id).toBe((await getStep(stack, run, "gate")).id);

    await ok(stack, "DELETE", `/v1/workflow-runs/${run.id}`);
    const closed = await timelineOf(await reaches(stack, run, "canceled"));
    const [from, to] = [Date.parse(closed.started_at ?? ""), Date.parse(closed.finished_at ?? "")];
    expect(Math.abs(closed.total_ms - (to - from))).toBeLessThanOrEqual(1);
    expect(closed.steps.at(-1)).toMatchObject({ step_ref: "never", status: "canceled", duration_ms: 0 });
    expect(closed.steps.at(-1)).not.toHaveProperty("started_at");
  });

  test("says how long a step came after the one before it had ended", async () => {
    const run = await runOf(stack, [gate("a"), gate("b", { depends_on: ["a"] })]);
    await opens(stack, run, "a");
    await ok(stack, "POST", `/v1/workflow-runs/${run.id}/steps/a/approve`);
    await opens(stack, run, "b");
    const { steps } = await timelineOf(run);
    expect(steps.map(({ step_ref }) => step_ref)).toEqual(["a", "b"]);
    const gap = Date.parse(steps[1]?.started_at ?? "") - Date.parse(steps[0]?.finished_at ?? "");
    expect(Math.abs((steps[1]?.wait_ms ?? -1) - Math.max(0, gap))).toBeLessThanOrEqual(1);
    expect(steps.map((step) => step.on_critical_path)).toEqual([true, true]);
    expect(steps[0]).not.toHaveProperty("parallel_with");
  });
});

describe.each(["graph", "timeline"])("the %s", (what) => {
  test("of an unknown run, or another project's, is a 404; a parameter is a 400", async () => {
    const run = await runOf(stack, [gate("a")]);
    for (const unknown of [uuid(), "x"])
      refused(await look(what, { id: unknown }), 404, "not_found", "workflow run not found");
    const token = stack.token({ projects: ["other"] });
    const answer = await stack.request("GET", `/v1/workflow-runs/${run.id}/${what}`, undefined, { token });
    refused(answer, 404, "not_found", "workflow run not found");
    const { details } = refused(await look(`${what}?limit=1`, run), 400, "validation_error", /./);
    expect(details).toEqual(["limit: unknown parameter"]);
  });

  test("of a run that a job's trigger made is there too", async () => {
    const job = await createJob(stack);
    const { id: jobRun } = await ok<{ id: string }>(stack, "POST", `/v1/jobs/${job.id}/trigger`);
    const { workflow_run_id } = await ok<{ workflow_run_id: string }>(stack, "GET", `/v1/runs/${jobRun}`);
    expect((await look(what, { id: workflow_run_id })).status).toBe(200);
  });
});
