import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DryRun, TriggerPlan } from "../../../src/contract/runs.ts";
import {
  createJob,
  createWorkflow,
  gate,
  getSteps,
  listed,
  ok,
  opens,
  runOf,
  type Step,
  trigger,
  wait,
  work,
} from "../definitions.ts";
import { expectProblem, refused } from "../shapes.ts";
import { planOn } from "./planned.ts";
import { type Stack, startStack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
/** Until the end, so that a step runs. */
let release = (): void => {};
const slow = new Promise<object>((resolve) => {
  release = () => resolve({});
});
afterAll(async () => {
  release();
  await stack.stop();
});

const plan = planOn(() => stack);
const actions = ({ steps }: Pick<DryRun, "steps">) =>
  Object.fromEntries(steps.map((step) => [step.step_ref, step.actions.join(" ")]));
const statuses = async (run: { id: string }) =>
  Object.fromEntries((await getSteps(stack, run as never)).map((step) => [step.step_ref, step.status]));

describe("the plan of a trigger", () => {
  const planOf = (id: string, body?: unknown) => plan<TriggerPlan>("POST", `workflows/${id}/trigger`, body);

  test("is the run it would make, and what of it starts at once", async () => {
    const never = { type: "eq", left: 1, right: 2 };
    const workflow = await createWorkflow(
      stack,
      [
        gate("gate"),
        gate("off", { depends_on: ["gate"] }),
        gate("after", { depends_on: ["off", "gate"] }),
        gate("passed-over", { condition: never }),
        gate("behind", { depends_on: ["passed-over"] }),
      ],
      { tags: { team: "a", tier: "1" }, max_parallel_steps: 7, timeout_secs: 60 },
    );
    const body = {
      payload: { n: 12345678901234567890n },
      tags: { team: "b" },
      step_overrides: { off: false, gate: true },
    };
    const seen = await planOf(workflow.id, { ...body, idempotency_key: "k" });
    expect(seen).toEqual({
      dry_run: true,
      run: {
        workflow_id: workflow.id,
        project_id: "demo",
        status: "running",
        triggered_by: "manual",
        workflow_version: 1,
        workflow_version_id: workflow.version_id,
        max_parallel_steps: 7,
        payload: body.payload,
        tags: { team: "b", tier: "1" },
        created_by: "ada",
      },
      disabled_steps: ["off"],
      starts: ["gate", "behind"],
      status_after: "running",
      steps: expect.any(Array),
      refused: [],
    });
    expect(actions(seen)).toEqual({ gate: "started", after: "kept", "passed-over": "ended", behind: "started" });
    expect(seen.steps.every(({ reason }) => reason.length > 0)).toBe(true);

    const run = await trigger(stack, workflow, { ...body, idempotency_key: "k" });
    expect(run).toMatchObject(seen.run);
    await opens(stack, run, "behind");
    expect(await statuses(run)).toEqual(
      Object.fromEntries(seen.steps.map((step) => [step.step_ref, step.status_after])),
    );
  });

  test("says that the run would be over at once", async () => {
    const never = { type: "eq", left: 1, right: 2 };
    const workflow = await createWorkflow(stack, [gate("a", { condition: never })]);
    expect(await planOf(workflow.id)).toMatchObject({ starts: [], status_after: "completed", refused: [] });
  });

  test("says all that refuses it", async () => {
    const full = await createWorkflow(stack, [gate("a")], { max_concurrent_runs: 1 });
    const disabled = await createWorkflow(stack, [gate("a")], { enabled: false });
    const LIMIT = { code: "conflict", message: "max concurrent runs reached" };
    const DISABLED = { code: "conflict", message: "workflow is disabled" };
    expect((await planOf(full.id)).refused).toEqual([]);
    await trigger(stack, full);
    expect(await planOf(full.id)).toMatchObject({ starts: ["a"], refused: [LIMIT] });
    expect((await planOf(disabled.id)).refused).toEqual([DISABLED]);
    await stack.deps.db.query("update workflows set enabled = false where id = $1", [full.id]);
    expect((await planOf(full.id)).refused).toEqual([DISABLED, LIMIT]);
  });

  test("of what could never be triggered is refused as the trigger is", async () => {
    const [one, none] = [await createWorkflow(stack, [gate("a")]), await createWorkflow(stack, [])];
    const asked: [string, unknown][] = [
      [one.id, { step_overrides: { b: false } }],
      [one.id, { step_overrides: { a: false } }],
      [one.id, { tags: { "": "x" } }],
      [one.id, { project_id: "other" }],
      [none.id, {}],
      [uuid(), {}],
    ];
    for (const [id, body] of asked) {
      const [seen, act] = [
        await stack.request("POST", `/v1/workflows/${id}/trigger?dryRun=true`, body),
        await stack.request("POST", `/v1/workflows/${id}/trigger`, body),
      ];
      const [{ request_id: _, ...problem }, { request_id: __, ...same }] = [expectProblem(seen), expectProblem(act)];
      expect([seen.status, problem]).toEqual([act.status, same]);
    }
  });
});

describe("the plan of a command", () => {
  async function openRun(more: Step[] = []) {
    const job = await createJob(stack, "/slow");
    stack.jobs.on("/slow", () => slow);
    const steps = [gate("gate"), work("next", job, { depends_on: ["gate"] }), work("busy", job), ...more];
    const run = await runOf(stack, steps);
    await opens(stack, run, "gate");
    await until(async () => (await statuses(run)).busy === "running");
    return run;
  }
  const ofRun = (run: { id: string }, path: string, body?: unknown) =>
    plan<DryRun>(path === "" ? "DELETE" : "POST", `workflow-runs/${run.id}${path}`, body);

  test("to cancel tells what would be canceled, and the run goes on", async () => {
    const run = await openRun();
    const seen = await ofRun(run, "");
    expect(seen).toMatchObject({ workflow_run_id: run.id, status: "running", status_after: "canceled" });
    expect(actions(seen)).toEqual({ gate: "canceled", next: "canceled", busy: "canceled" });
    expect((await listed(stack, run))?.status).toBe("running");
    const { status } = await stack.request("DELETE", `/v1/workflow-runs/${run.id}?dryRun=false`);
    expect(status).toBe(200);
    const over = await stack.request("DELETE", `/v1/workflow-runs/${run.id}?dryRun=true`);
    refused(over, 400, "invalid_state", "workflow run already in terminal state");
  });

  test("to approve, reject, pause and resume tells what would happen, as the act is refused or done", async () => {
    const run = await openRun();
    expect(actions(await ofRun(run, "/steps/gate/approve"))).toEqual({ gate: "ended", next: "started", busy: "kept" });
    expect(await ofRun(run, "/steps/gate/reject", { reason: "no" })).toMatchObject({
      status_after: "failed",
      steps: [{ status_after: "failed", reason: "approval rejected by ada: no" }, { actions: ["canceled"] }, {}],
    });
    expect(await ofRun(run, "/pause")).toMatchObject({ status: "running", status_after: "paused" });
    const { body } = await stack.request<{ status: string }>("GET", `/v1/workflow-runs/${run.id}`);
    expect(body.status).toBe("running");
    const path = `/v1/workflow-runs/${run.id}`;
    const token = stack.token({ sub: "bob" });
    for (const [verb, options, code, message] of [
      ["resume", {}, "invalid_state", "workflow run is not paused"],
      ["steps/gate/approve", { token }, "approver_not_allowed", "approver bob is not allowed for step gate"],
      ["steps/busy/approve", {}, "invalid_state", "approval not found for step busy"],
    ] as const)
      for (const query of ["?dryRun=true", ""])
        refused(await stack.request("POST", `${path}/${verb}${query}`, {}, options), 400, code, message);

    await ok(stack, "POST", `${path}/pause`);
    const paused = await ofRun(run, "/steps/gate/approve");
    expect([paused.status_after, actions(paused)]).toEqual(["paused", { gate: "ended", next: "kept", busy: "kept" }]);
    await ok(stack, "POST", `${path}/steps/gate/approve`);
    expect(actions(await ofRun(run, "/resume"))).toEqual({ gate: "kept", next: "started", busy: "kept" });
  });

  test("of an event tells whom it reaches; its own key still needs an approver", async () => {
    const key = `key ${uuid()}`;
    const run = await openRun([wait("wait", key), gate("paid", { depends_on: ["wait"] })]);
    await opens(stack, run, "wait");
    const path = `events/${encodeURIComponent(key)}/send`;
    const seen = await plan<DryRun>("POST", path, { payload: { sum: 1 } });
    expect(seen.workflow_run_id).toBe(run.id);
    expect(actions(seen)).toMatchObject({ wait: "ended", paid: "started", gate: "kept" });
    expect((await statuses(run)).wait).toBe("waiting");
    await ok(stack, "POST", `/v1/${path}`, { payload: { sum: 1 } });
    expect((await plan<DryRun>("POST", path, { payload: { sum: 1 } })).steps).toEqual([]);
    const again = await stack.request("POST", `/v1/${path}?dryRun=true`, { payload: { sum: 2 } });
    refused(again, 409, "conflict", "event trigger is not in waiting state");

    const own = `/v1/events/approval:${run.id}:gate/send?dryRun=true`;
    const bob = await stack.request("POST", own, {}, { token: stack.token({ sub: "bob" }) });
    refused(bob, 400, "approver_not_allowed", "approver bob is not allowed for step gate");
    expect(actions((await stack.request<DryRun>("POST", own)).body).gate).toBe("ended");
  });

  test("of a bulk cancel tells of each run", async () => {
    const [open, over] = [await runOf(stack, [gate("a")]), await runOf(stack, [gate("a")])];
    await ok(stack, "DELETE", `/v1/workflow-runs/${over.id}`);
    const ids = [open.id, over.id, open.id, "nope"];
    const seen = await plan<{ results: unknown[] }>("POST", "workflow-runs/bulk-cancel", { workflow_run_ids: ids });
    expect(seen).toMatchObject({ dry_run: true, canceled: 1, failed: 2, workflow_run_ids: [open.id] });
    expect(seen.results).toMatchObject([
      { workflow_run_id: open.id, status: "canceled", plan: { status_after: "canceled" } },
      { workflow_run_id: over.id, status: "failed", error: "workflow run already in terminal state" },
      { workflow_run_id: "nope", status: "failed", error: "workflow run not found" },
    ]);
    const act = await ok<object>(stack, "POST", "/v1/workflow-runs/bulk-cancel", { workflow_run_ids: ids });
    expect(act).toEqual({ canceled: 1, failed: 2, workflow_run_ids: [open.id] });
  });
});
