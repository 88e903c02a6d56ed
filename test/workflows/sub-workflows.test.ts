import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { replayHistory } from "../../src/cli/replay-history.ts";
import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Workflow } from "../../src/contract/workflows.ts";
import { type Stack, startStack } from "../stack/harness.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";
import { calling, GATE, SLEEPS } from "../stack/step-drafts.ts";
import { until } from "../stack/until.ts";

let stack: Stack;
let on: Scenario;
beforeAll(async () => {
  stack = await startStack();
  on = scenarioOn(stack);
});
afterAll(() => stack.stop());

/** As Temporal itself has closed it, a moment after the run has ended. */
const temporalStatusOf = (run: WorkflowRun): Promise<string> =>
  until(async () => {
    const { status } = await stack.deps.temporal.workflow.getHandle(run.id).describe();
    return status.name !== "RUNNING" && status.name;
  });

describe.concurrent("a sub_workflow step", () => {
  test("runs its child with the rendered payload, and has the child's outputs by step", async () => {
    stack.jobs.on("/child-work", ({ body }) => ({ body: { got: (body as { n: bigint }).n } }));
    const child = await on.workflow([
      { step_ref: "work", calls: "/child-work" },
      { step_ref: "nothing", step_type: "approval", approval_approvers: ["ada"] },
    ]);
    const run = await on.start(
      [
        calling(child, { payload: { n: "{{number}}" } }),
        {
          step_ref: "after",
          calls: "/after-child",
          depends_on: ["child"],
          payload: { n: "{{parent_outputs.child.work.got}}" },
        },
      ],
      { payload: { number: 9007199254740993n } },
    );
    const childRun = await on.onlyRunOf(child, "nothing");
    const step = await on.step(run, "child");
    expect(step).toMatchObject({ status: "running" });
    expect(step).not.toHaveProperty("job_run_id");
    expect(childRun).toMatchObject({
      triggered_by: "workflow",
      parent_workflow_run_id: run.id,
      parent_step_run_id: step.id,
      project_id: "demo",
      created_by: "ada",
      payload: { number: 9007199254740993n, n: 9007199254740993n },
    });
    await on.steer(childRun, "approve", "nothing");

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    expect((await on.step(run, "child")).output).toEqual({ work: { got: 9007199254740993n } });
    expect(stack.jobs.callsTo("/after-child")[0]?.body).toMatchObject({ n: 9007199254740993n });
  });

  test("fails as its child fails, in the child's words, and its on_failure applies", async () => {
    stack.jobs.on("/child-fails", () => ({ status: 422, body: "no such account" }));
    const child = await on.workflow([{ step_ref: "work", calls: "/child-fails" }]);
    const run = await on.start([
      calling(child, { on_failure: "continue" }),
      { step_ref: "after", calls: "/after-failure", depends_on: ["child"] },
    ]);

    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const error = "endpoint returned 422: no such account";
    expect(await on.step(run, "child")).toMatchObject({ status: "failed", error });
    expect(await on.step(run, "after")).toMatchObject({ status: "completed" });
  });

  test("is told when its child is canceled by itself", async () => {
    const child = await on.workflow([SLEEPS]);
    const run = await on.start([calling(child)]);
    const childRun = await on.onlyRunOf(child, "nap");
    await on.cancel(childRun);

    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "canceled by user" });
  });

  test("is told when its child times out by itself", async () => {
    const child = await on.workflow([SLEEPS], { timeout_secs: 1 });
    const run = await on.start([calling(child)]);

    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "workflow timed out" });
    expect((await on.runsOf(child))[0]).toMatchObject({ status: "timed_out" });
  });

  test.each<[string, () => Promise<Workflow>, RegExp, object]>([
    ["is disabled", () => on.workflow([SLEEPS], { enabled: false }), /^workflow is disabled$/, {}],
    ["has no steps", () => on.workflow([]), /^workflow must have at least one step$/, {}],
  ])("fails at once when its child %s, and leaves no run behind", async (_, make, error, fields) => {
    const child = await make();
    const run = await on.start([calling(child, fields)]);

    expect((await on.ends(run)).error).toMatch(error);
    expect(await on.step(run, "child")).toMatchObject({ status: "failed" });
    expect(await on.runsOf(child)).toEqual([]);
  });

  test("fails where more runs would be above its child than max_nesting_depth says", async () => {
    const grandchild = await on.workflow([SLEEPS]);
    const child = await on.workflow([calling(grandchild, { max_nesting_depth: 1 })]);
    const alone = await on.trigger(child);
    await on.cancel(await on.onlyRunOf(grandchild, "nap"));
    const run = await on.start([calling(child, { max_nesting_depth: 1 })]);

    const error = "sub-workflow nesting is limited by max_nesting_depth 1";
    expect(await on.ends(run)).toMatchObject({ status: "failed", error });
    expect(await on.ends(alone)).toMatchObject({ error: "canceled by user" });
    expect(await on.runsOf(grandchild)).toHaveLength(1);
  });

  test("fails at once when its child has as many runs as it may have", async () => {
    const child = await on.workflow([SLEEPS], { max_concurrent_runs: 1 });
    const first = await on.trigger(child);
    const run = await on.start([calling(child)]);

    expect(await on.ends(run)).toMatchObject({ status: "failed", error: "max concurrent runs reached" });
    expect(await on.runsOf(child)).toHaveLength(1);
    await on.cancel(first);
  });

  test("is canceled with its parent, and so are the children of its child", async () => {
    const grandchild = await on.workflow([SLEEPS]);
    const child = await on.workflow([calling(grandchild)]);
    const run = await on.start([calling(child)]);
    const grandchildRun = await on.onlyRunOf(grandchild, "nap");
    const childRun = await on.onlyRunOf(child, "child", "running");
    await on.cancel(run);

    for (const canceled of [childRun, grandchildRun]) {
      expect(await on.ends(canceled)).toMatchObject({ status: "canceled", error: "parent workflow canceled" });
      const [step] = await on.steps(canceled);
      expect(step).toMatchObject({ status: "canceled", error: "parent workflow canceled" });
      expect(await temporalStatusOf(canceled)).toBe("CANCELLED");
      const history = await stack.deps.temporal.workflow.getHandle(canceled.id).fetchHistory();
      expect(await replayHistory({ codePath: inject("bundlePath") }, history)).toBeUndefined();
    }
  });

  test("times out with its parent", async () => {
    const child = await on.workflow([SLEEPS]);
    const run = await on.start([calling(child)], {}, { timeout_secs: 2 });
    const childRun = await on.onlyRunOf(child, "nap");

    expect(await on.ends(run)).toMatchObject({ status: "timed_out", error: "workflow timed out" });
    expect(await on.ends(childRun)).toMatchObject({ status: "timed_out" });
    expect(childRun.expires_at).toBe((await on.run(run)).expires_at);
  });

  test("is canceled when another step fails the workflow", async () => {
    stack.jobs.on("/sibling", () => ({ status: 422 }));
    const child = await on.workflow([SLEEPS]);
    const run = await on.start([calling(child), GATE, { step_ref: "bad", calls: "/sibling", depends_on: ["gate"] }]);
    const childRun = await on.onlyRunOf(child, "nap");
    await on.steer(run, "approve", "gate");

    expect(await on.ends(run)).toMatchObject({ status: "failed" });
    expect(await on.ends(childRun)).toMatchObject({ status: "canceled", error: "parent workflow canceled" });
    expect(await temporalStatusOf(childRun)).toBe("CANCELLED");
  });

  test("goes on in its child when it is retried: only what failed in it runs again", async () => {
    stack.jobs.on("/child-once", (_, nth) => (nth === 1 ? { status: 422 } : { body: { nth } }));
    const child = await on.workflow([
      { step_ref: "before", calls: "/child-before" },
      { step_ref: "work", calls: "/child-once", depends_on: ["before"] },
    ]);
    const run = await on.start([calling(child)]);
    await on.ends(run);
    expect(await on.steer(run, "retry", "child")).toMatchObject({ status: 200 });

    await on.becomes(run, "completed");
    expect(await on.step(run, "child")).toMatchObject({ attempt: 2, output: { work: { nth: 2 } } });
    const runs = await on.runsOf(child);
    expect(runs.map(({ status }) => status)).toEqual(["completed"]);
    expect(stack.jobs.callsTo("/child-before")).toHaveLength(1);
  });

  test("gets a new child when it is replayed, or retried with another payload", async () => {
    stack.jobs.on("/child-ok", ({ body }) => ((body as { ok?: boolean } | undefined)?.ok ? {} : { status: 422 }));
    const child = await on.workflow([{ step_ref: "work", calls: "/child-ok" }]);
    const run = await on.start([calling(child)]);
    await on.ends(run);
    await on.steer(run, "retry", "child", { step_payloads: { child: { ok: true } } });
    await on.becomes(run, "completed");
    await on.steer(run, "replay-subtree", "child");
    await on.becomes(run, "completed");
    expect((await on.runsOf(child)).map(({ status }) => status)).toEqual(["completed", "completed", "failed"]);
  });
});
