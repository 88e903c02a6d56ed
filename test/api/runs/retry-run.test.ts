import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getRun,
  getSteps,
  listed,
  opens,
  reaches,
  trigger,
  work,
} from "../definitions.ts";
import { answered, refused, run as runShape } from "../shapes.ts";
import { runsOn } from "./steered.ts";
import { type Stack, startStack } from "../../stack/harness.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const { cancel, pause, completedRun, atGate } = runsOn(() => stack);

describe("retrying a run", () => {
  const retry = (run: WorkflowRun, token?: string) =>
    stack.request("POST", `/v1/workflow-runs/${run.id}/retry`, undefined, { token });

  test("makes a new one that keeps what was completed and what it was made of", async () => {
    stack.jobs.on("/kept", () => ({ body: { kept: 1 } }));
    stack.jobs.on("/flaky", (_call, nth) => (nth === 1 ? { status: 400, body: "no" } : { body: { parent: "ok" } }));
    const [kept, flaky] = [await createJob(stack, "/kept"), await createJob(stack, "/flaky")];
    const definition = await createWorkflow(
      stack,
      [work("a", kept), work("b", flaky, { depends_on: ["a"] }), work("c", kept, { depends_on: ["b"] }), gate("off")],
      { max_parallel_steps: 3, timeout_secs: 600, tags: { of: "workflow" } },
    );
    const source = await trigger(stack, definition, {
      payload: { order: 12345678901234567890n },
      tags: { team: "a" },
      step_overrides: [{ step_ref: "off", enabled: false }],
    });
    const failed = await reaches(stack, source, "failed");
    const answer = await retry(failed, stack.token({ sub: "bob" }));
    const again = answered(answer, 201, runShape);
    expect(answer.headers.get("location")).toBe(`/v1/workflow-runs/${again.id}`);
    const { id, status, triggered_by, retry_of_run_id, created_at, started_at, expires_at, ...same } = again;
    expect({ status, triggered_by, retry_of_run_id }).toEqual({
      status: "running",
      triggered_by: "retry",
      retry_of_run_id: source.id,
    });
    expect(failed).toMatchObject(same);
    expect(Date.parse(expires_at ?? "") - Date.parse(created_at)).toBe(600_000);
    expect(await listed(stack, again)).toBeDefined();

    const done = await reaches(stack, again, "completed");
    const [a, b, c, ...others] = await getSteps(stack, done);
    expect(others).toEqual([]);
    expect(a).toMatchObject({ status: "completed", output: { kept: 1 } });
    expect(a?.started_at).toBe(a?.finished_at);
    expect(a).not.toHaveProperty("job_run_id");
    expect([b, c]).toMatchObject([{ status: "completed", output: { parent: "ok" } }, { status: "completed" }]);
    expect(stack.jobs.callsTo("/kept")).toHaveLength(2);
    expect((await getRun(stack, source)).status).toBe("failed");
  });

  test("of a completed run copies all steps and completes at once", async () => {
    const source = await completedRun();
    const calls = stack.jobs.calls.length;
    const again = answered(await retry(source), 201, runShape) as WorkflowRun;
    await reaches(stack, again, "completed");
    expect(stack.jobs.calls).toHaveLength(calls);
  });

  test("of a canceled run starts what had not ended; each call makes another run", async () => {
    const source = await atGate();
    await cancel(source);
    const first = answered(await retry(source), 201, runShape) as WorkflowRun;
    const second = answered(await retry(source), 201, runShape) as WorkflowRun;
    expect(first.id).not.toBe(second.id);
    for (const again of [first, second]) await opens(stack, again, "gate");
  });

  test("of a run that is not over is refused", async () => {
    const run = await atGate();
    const TERMINAL_ONLY = "can only retry a workflow run in terminal state";
    refused(await retry(run), 400, "invalid_state", TERMINAL_ONLY);
    await pause(run);
    refused(await retry(run), 400, "invalid_state", TERMINAL_ONLY);
  });

  test("honours max_concurrent_runs", async () => {
    const definition = await createWorkflow(stack, [gate("gate")], { max_concurrent_runs: 1 });
    const source = await trigger(stack, definition);
    await opens(stack, source, "gate");
    await cancel(source);
    const running = await trigger(stack, definition);
    refused(await retry(source), 409, "conflict", "max concurrent runs reached");
    await cancel(running);
    answered(await retry(source), 201, runShape);
  });

  test("of a disabled workflow's run is a conflict", async () => {
    const definition = await createWorkflow(stack, [gate("gate")]);
    const source = await trigger(stack, definition);
    await cancel(source);
    await stack.deps.db.query("update workflows set enabled = false where id = $1", [definition.id]);
    refused(await retry(source), 409, "conflict", "workflow is disabled");
  });
});
