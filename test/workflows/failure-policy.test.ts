import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  stack.jobs.on("/fails", () => ({ status: 422, body: "out of stock" }));
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

const error = "endpoint returned 422: out of stock";

describe.concurrent("a failed step", () => {
  test("with fail_workflow ends the run, and cancels what has not ended", async () => {
    const run = await on.start([
      { step_ref: "bad", calls: "/fails" },
      { step_ref: "after", calls: "/never", depends_on: ["bad"] },
      GATE,
    ]);

    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
    expect(await on.statuses(run)).toEqual({ bad: "failed", after: "canceled", gate: "canceled" });
    const gate = await on.step(run, "gate");
    expect(gate.finished_at).toBeDefined();
    expect(gate).not.toHaveProperty("error");
    expect(stack.jobs.callsTo("/never")).toEqual([]);
  });

  test("with skip_dependents skips all that needs it, lets the rest finish, and the run has failed", async () => {
    const run = await on.start([
      { step_ref: "bad", calls: "/fails", on_failure: "skip_dependents" },
      { step_ref: "child", calls: "/skipped", depends_on: ["bad"] },
      { step_ref: "grandchild", calls: "/skipped", depends_on: ["child"] },
      GATE,
      { step_ref: "other", calls: "/other", depends_on: ["gate"] },
    ]);
    await until(async () => (await on.step(run, "grandchild")).status === "skipped");
    expect((await on.run(run)).status).toBe("running");
    await on.steer(run, "approve", "gate");

    const ended = await on.ends(run);
    expect(ended.status).toBe("failed");
    expect(ended).not.toHaveProperty("error");
    expect(await on.statuses(run)).toEqual({
      bad: "failed",
      child: "skipped",
      grandchild: "skipped",
      gate: "completed",
      other: "completed",
    });
    expect(stack.jobs.callsTo("/skipped")).toEqual([]);
  });

  test("with continue is passed by, and the run can complete", async () => {
    const run = await on.start([
      { step_ref: "bad", calls: "/fails", on_failure: "continue" },
      {
        step_ref: "after",
        calls: "/after",
        depends_on: ["bad"],
        condition: { type: "step_status", step_ref: "bad", status: "failed" },
      },
    ]);

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.statuses(run)).toEqual({ bad: "failed", after: "completed" });
    expect(await on.step(run, "bad")).toMatchObject({ error });
  });
});

describe.concurrent("a run", () => {
  test("ends as timed_out when its time is over, and cancels what has not ended", async () => {
    const steps = [GATE, { step_ref: "after", calls: "/never", depends_on: ["gate"] }];
    const run = await on.start(steps, {}, { timeout_secs: 1 });
    expect(Date.parse(run.expires_at ?? "") - Date.parse(run.created_at)).toBe(1000);

    const ended = await on.ends(run);
    expect(ended).toMatchObject({ status: "timed_out", error: "workflow timed out" });
    const late = Date.parse(ended.finished_at ?? "") - Date.parse(run.expires_at ?? "");
    expect(late).toBeGreaterThanOrEqual(0);
    for (const secs of await on.timers(run)) expect(secs).toBeLessThanOrEqual(1);
    expect(await on.statuses(run)).toEqual({ gate: "canceled", after: "canceled" });
    expect((await on.steer(run, "approve", "gate")).status).toBe(400);
  });

  test("runs no more steps at once than max_parallel_steps, and all of them in the end", async () => {
    const release = stack.jobs.hold("/counted");
    const steps = Array.from({ length: 5 }, (_, i) => ({ step_ref: `s${i}`, calls: "/counted" }));
    const run = await on.start(steps, {}, { max_parallel_steps: 2 });
    await until(() => stack.jobs.callsTo("/counted").length === 2);
    await Promise.all(["s0", "s1"].map((ref) => on.opens(run, ref, "running")));

    const [first, second, ...rest] = Object.values(await on.statuses(run));
    expect([first, second]).toEqual(["running", "running"]);
    expect(new Set(rest)).toEqual(new Set(["pending"]));
    release();
    expect(await on.ends(run)).toMatchObject({ status: "completed", max_parallel_steps: 2 });
    expect(stack.jobs.callsTo("/counted")).toHaveLength(5);
  });

  test("runs one step at a time of a concurrency_key", async () => {
    const release = stack.jobs.hold("/exclusive");
    const run = await on.start([
      { step_ref: "a", calls: "/exclusive", concurrency_key: "db" },
      { step_ref: "b", calls: "/exclusive", concurrency_key: "db" },
      { step_ref: "c", calls: "/free" },
    ]);
    await until(() => stack.jobs.callsTo("/exclusive").length + stack.jobs.callsTo("/free").length === 2);
    await on.opens(run, "a", "running");

    expect(await on.statuses(run)).toMatchObject({ a: "running", b: "pending" });
    release();
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(stack.jobs.callsTo("/exclusive")).toHaveLength(2);
  });

  test("skips a step whose condition is false, a root as well, and goes on after it", async () => {
    const never = { type: "eq", left: 1, right: 2 };
    const run = await on.start([
      { step_ref: "root", calls: "/never", condition: never },
      { step_ref: "after", calls: "/after-skip", depends_on: ["root"] },
      {
        step_ref: "all",
        calls: "/after-all",
        depends_on: ["root", "after"],
        condition: {
          type: "all_of",
          conditions: [
            { type: "step_status", step_ref: "root", status: "skipped" },
            { type: "regex", left: { step_ref: "after" }, right: "^comp" },
            { type: "not", condition: never },
          ],
        },
      },
    ]);

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.statuses(run)).toEqual({ root: "skipped", after: "completed", all: "completed" });
    expect(stack.jobs.callsTo("/never")).toEqual([]);
  });

  test("renders payloads from the trigger and from direct dependencies, and leaves out what may be missing", async () => {
    stack.jobs.on("/parent", () => ({ body: { url: "https://x", list: [1, { two: 2 }] } }));
    const run = await on.start(
      [
        { step_ref: "parent", calls: "/parent" },
        {
          step_ref: "step",
          calls: "/rendered",
          depends_on: ["parent"],
          payload: {
            whole: "{{parent_outputs.parent.list}}",
            text: "{{user.name}} at {{parent_outputs.parent.url}}, {{payload.count}} times",
            unknown: "{{nobody?}}",
            nested: [{ n: "{{count}}" }],
            order: "own",
          },
        },
      ],
      { payload: { user: { name: "ada" }, count: 3, order: "trigger's" } },
    );
    await on.ends(run);

    expect(stack.jobs.callsTo("/rendered")[0]?.body).toEqual({
      user: { name: "ada" },
      count: 3,
      whole: [1, { two: 2 }],
      text: "ada at https://x, 3 times",
      unknown: null,
      nested: [{ n: 3 }],
      order: "own",
      parent_outputs: { parent: { url: "https://x", list: [1, { two: 2 }] } },
    });
  });

  test("has no step that an override disables, and who depended on it does not wait for it", async () => {
    const workflow = await on.workflow([
      { step_ref: "first", calls: "/never" },
      { step_ref: "second", calls: "/second", depends_on: ["first"] },
    ]);
    const run = await on.trigger(workflow, { step_overrides: [{ step_ref: "first", enabled: false }] });

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect(await on.steps(run)).toMatchObject([{ step_ref: "second", status: "completed", deps_required: 0 }]);
    expect(stack.jobs.callsTo("/never")).toEqual([]);
  });

  test("keeps its tags, labels, actor and lineage through a retry", async () => {
    stack.jobs.on("/second-time", (_, nth) => (nth === 1 ? { status: 422 } : {}));
    const steps = [
      { step_ref: "done", calls: "/done-once" },
      { step_ref: "bad", calls: "/second-time", depends_on: ["done"] },
      { step_ref: "off", calls: "/never", depends_on: ["bad"] },
    ];
    const workflow = await on.workflow(steps, { tags: { team: "a", tier: "1" } });
    const run = await on.trigger(workflow, {
      payload: { order: 7 },
      tags: { tier: "2" },
      labels: { why: "test" },
      step_overrides: { off: false },
    });
    expect(await on.ends(run)).toMatchObject({ status: "failed", tags: { team: "a", tier: "2" } });
    const { status, body: retried } = await on.steer<WorkflowRun>(run, "retry");

    expect(status).toBe(201);
    expect(await on.ends(retried)).toMatchObject({
      status: "completed",
      triggered_by: "retry",
      retry_of_run_id: run.id,
      created_by: "ada",
      tags: { team: "a", tier: "2" },
      payload: { order: 7 },
      workflow_version_id: run.workflow_version_id,
    });
    expect(await on.statuses(retried)).toEqual({ done: "completed", bad: "completed" });
    expect(stack.jobs.callsTo("/done-once")).toHaveLength(1);
  });
});
