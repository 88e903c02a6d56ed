import { v7 as uuid } from "uuid";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BulkOperation } from "../../src/contract/bulk/operations.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type OwnServer, startOwnTemporal } from "../stack/own-servers.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { until } from "../stack/until.ts";
import { bulkOutcomeQuery } from "../../workflows/bulk/messages.ts";
import { commandOutcomeQuery } from "../../workflows/messages.ts";

let temporal: OwnServer & { temporalAddress: string };
let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  // The server suggests it after 4,096 events otherwise.
  temporal = await startOwnTemporal(["limit.historyCount.suggestContinueAsNew=20"]);
  stack = await startStack({ servers: temporal });
  on = scenarioOn(stack);
});
afterAll(async () => {
  await stack.stop();
  await temporal.remove();
});

const GATE = { step_ref: "gate", step_type: "approval", approval_approvers: ["ada"], approval_timeout_secs: 600 };
const executionsOf = async ({ id }: { id: string }) =>
  (await stack.deps.temporal.workflow.count(`WorkflowId = "${id}"`)).count;

/** Makes the history longer: each is a command with an outcome of its own. */
async function refuseTwenty(run: { id: string }): Promise<void> {
  for (const round of [0, 1, 2, 3]) {
    const ids = [0, 1, 2, 3, 4].map((i) => `refused-${round}-${i}`);
    // Asked again under its key while nobody can say yet what came of it: on a busy machine the worker is late.
    const refused = (id: string) =>
      until(async () => {
        const answer = await on.steer(run, "skip", "nowhere", undefined, { headers: { "idempotency-key": id } });
        return answer.status !== 202 && answer;
      });
    const answered = await Promise.all(ids.map(refused));
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([404]));
  }
}

describe.concurrent("a run of a long history goes on in a new execution of the same workflow id", () => {
  test("with its steps, timers, waits, children and the outcomes of its commands", async () => {
    stack.jobs.on("/prepare", () => ({ body: { large: "x".repeat(5000) } }));
    const child = await on.workflow([GATE]);
    const run = await on.start(
      [
        { step_ref: "prepare", calls: "/prepare" },
        GATE,
        { step_ref: "nap", step_type: "sleep", sleep_duration_secs: 4 },
        { step_ref: "paid", step_type: "wait_for_event", event_key: "paid:{{order}}" },
        { step_ref: "child", step_type: "sub_workflow", sub_workflow_id: child.id },
        { step_ref: "after", calls: "/after", depends_on: ["prepare", "gate", "nap", "paid", "child"] },
      ],
      { payload: { order: 7 } },
      { timeout_secs: 3600 },
    );
    const childRun = await on.onlyRunOf(child, "gate");
    const gate = await on.opens(run, "gate");
    await on.opens(run, "child", "running");
    await refuseTwenty(run);
    await until(async () => (await executionsOf(run)) > 1);

    const { expires_at } = run;
    expect(await on.run(run)).toMatchObject({ status: "running", expires_at, payload: { order: 7 } });
    const handle = stack.deps.temporal.workflow.getHandle(run.id);
    expect(await handle.query(commandOutcomeQuery, "refused-0-0")).toMatchObject({
      outcome: { status: "refused", code: "not_found", actor: "ada" },
    });
    await on.sends("paid:7", { amount: 3 });
    await on.steer(childRun, "approve", "gate");
    const approved = await on.steer<{ step_run: object }>(run, "approve", "gate");
    expect(approved).toMatchObject({ status: 200, body: { step_run: { started_at: gate.started_at } } });

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const nap = await on.step(run, "nap");
    const slept = Date.parse(nap.finished_at ?? "") - Date.parse(nap.started_at ?? "");
    expect(slept).toBeGreaterThanOrEqual(4000);
    // What goes on sleeps for the rest of it, and not anew.
    expect(await on.timers(run)).not.toContain(4);
    expect((await on.step(run, "prepare")).output).toEqual({ large: "x".repeat(5000) });
    expect(stack.jobs.callsTo("/prepare")).toHaveLength(1);
    expect(stack.jobs.callsTo("/after")[0]?.body).toMatchObject({ parent_outputs: { paid: { amount: 3 } } });
  });

  test("but not while a call is in flight, which is not made again", async () => {
    const release = stack.jobs.hold("/long");
    const run = await on.start([{ step_ref: "long", calls: "/long" }, GATE]);
    await on.opens(run, "gate");
    await until(() => stack.jobs.callsTo("/long").length === 1);
    await refuseTwenty(run);

    // Nothing is left that could still lead to it but the call itself.
    await until(async () => {
      const { raw } = await stack.deps.temporal.workflow.getHandle(run.id).describe();
      const calls = raw.pendingActivities?.map(({ activityType }) => activityType?.name);
      const long = Number(raw.workflowExecutionInfo?.historyLength) > 40;
      return long && !raw.pendingWorkflowTask && calls?.join() === "dispatchJob";
    });
    expect(await executionsOf(run)).toBe(1);
    release({ body: { done: true } });
    await until(async () => (await executionsOf(run)) > 1);
    await on.steer(run, "approve", "gate");
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect((await on.step(run, "long")).output).toEqual({ done: true });
    expect(stack.jobs.callsTo("/long")).toHaveLength(1);
  });

  test("and a cancellation finds it there", async () => {
    const run = await on.start([GATE]);
    await on.opens(run, "gate");
    await refuseTwenty(run);
    await until(async () => (await executionsOf(run)) > 1);
    expect(await on.cancel(run)).toMatchObject({ status: "canceled", error: "canceled by user" });
  });

  test("as does a bulk operation, with what it was told", async () => {
    const ids = Array.from({ length: 4 }, () => uuid());
    const body = { operation: "pause", ids, max_per_second: 1 };
    const operation = (await stack.request<BulkOperation>("POST", "/v1/bulk-operations", body)).body;
    const path = `/v1/bulk-operations/${operation.id}`;
    for (let n = 0; n < 20; n++) {
      const headers = { "idempotency-key": `pause-${n}` };
      expect(await stack.request("POST", `${path}/pause`, undefined, { headers })).toMatchObject({ status: 200 });
    }
    await until(async () => (await executionsOf(operation)) > 1);

    const now = stack.deps.temporal.workflow.getHandle(operation.id);
    expect(await now.query(bulkOutcomeQuery, "pause-0")).toMatchObject({ outcome: { status: "applied" } });
    expect(await stack.request("POST", `${path}/resume`)).toMatchObject({ status: 200, body: { status: "running" } });
    const ended = await until(async () => {
      const { body } = await stack.request<BulkOperation>("GET", path);
      return body.finished_at !== undefined && body;
    });
    expect(ended).toMatchObject({ status: "completed", progress: { total: 4, pending: 0, failed: 4 } });
  });
});
