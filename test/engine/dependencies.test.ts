import { describe, expect, it } from "vitest";
import { given, text } from "./given.ts";
import { approval, job, planWith, sleep, type Step, wait } from "./plans.ts";
import { enabledSteps } from "../../workflows/engine/plan.ts";

const statusIs = (step_ref: string, status: string) => ({ type: "step_status", step_ref, status });

describe("fan-in", () => {
  it("counts each dependency once, however they end at the same time, and starts once", () => {
    const parents = Array.from({ length: 10 }, (_, i) => `p${i}`);
    const run = given([...parents.map((ref) => job(ref)), job("join", parents)]);
    for (const [i, ref] of parents.entries()) {
      expect(run.step("join")).toMatchObject({ status: "waiting", deps_completed: i, deps_required: 10 });
      run.completes(ref);
    }
    expect(run.step("join")).toMatchObject({ status: "running", deps_completed: 10, attempt: 1 });
    expect(run.completes("join").row.status).toBe("completed");
  });

  it("starts a waiting gate, event or sleep behind another step", () => {
    const run = given([job("first"), approval("gate", ["first"]), wait("event", ["first"]), sleep("nap", ["first"])]);
    expect(run.step("gate").started_at).toBeUndefined();
    run.later(3).completes("first");
    for (const ref of ["gate", "nap"]) expect(run.step(ref)).toMatchObject({ status: "waiting", started_at: run.now });
    // A wait shows its start when its key is registered, and can be sent to.
    const { generation } = run.state("event");
    expect(run.step("event").started_at).toBeUndefined();
    run.happens({ type: "wait_opened", step: run.index("event"), generation, event_key: "key" });
    expect(run.step("event")).toMatchObject({ status: "waiting", started_at: run.now });
    run.does("approve", "gate");
  });

  it("goes on beside a waiting gate, which keeps its started_at", () => {
    const run = given([
      approval("a-gate"),
      job("b1"),
      job("b2", ["b1"]),
      job("b3", ["b2"]),
      job("after", ["a-gate", "b3"]),
    ]);
    const opened = run.step("a-gate").started_at;
    run.later(1).completes("b1").later(1).completes("b2").later(1).completes("b3");
    expect(run.statuses).toEqual({
      "a-gate": "waiting",
      b1: "completed",
      b2: "completed",
      b3: "completed",
      after: "waiting",
    });
    expect(run.step("a-gate").started_at).toBe(opened);
    expect(run.does("approve", "a-gate").step("after").status).toBe("running");
  });
});

describe("a failed step", () => {
  const diamond = (on_failure: Step["on_failure"]) =>
    given([
      job("bad", [], { on_failure }),
      job("next", ["bad"]),
      job("last", ["next"]),
      job("side"),
      job("join", ["bad", "side"]),
    ]);

  it("ends the run at once with fail_workflow: everything else is canceled", () => {
    const run = diamond("fail_workflow").fails("bad", { error: "endpoint returned 400: no" });
    expect(run.statuses).toEqual({
      bad: "failed",
      next: "canceled",
      last: "canceled",
      side: "canceled",
      join: "canceled",
    });
    expect(run.row).toMatchObject({ status: "failed", error: "endpoint returned 400: no", finished_at: run.now });
    expect(run.step("side")).toMatchObject({ finished_at: run.now, error: undefined });
    expect(run.work("side")).toEqual([]);
  });

  it("skips what needs it with skip_dependents; the rest goes on and the run fails in the end", () => {
    const run = diamond("skip_dependents").fails("bad");
    expect(run.statuses).toEqual({ bad: "failed", next: "skipped", last: "skipped", side: "running", join: "skipped" });
    expect(run.row.status).toBe("running");
    run.completes("side");
    expect(run.row).toMatchObject({ status: "failed", error: undefined });
  });

  it("lets its dependents go on with continue, and the run can complete", () => {
    const run = diamond("continue").fails("bad");
    expect(run.statuses).toEqual({ bad: "failed", next: "running", last: "waiting", side: "running", join: "waiting" });
    run.completes("side").completes("join").completes("next").completes("last");
    expect(run.row).toMatchObject({ status: "completed", error: undefined });
  });
});

describe("a condition", () => {
  const on = (condition: Step["condition"]) => ({ condition });

  it("that holds lets the step start, one that doesn't skips it", () => {
    const run = given([
      job("test", [], { on_failure: "continue" }),
      job("rollback", ["test"], on(statusIs("test", "failed"))),
      job("deploy", ["test"], on(statusIs("test", "completed"))),
    ]).fails("test");
    expect(run.statuses).toEqual({ test: "failed", rollback: "running", deploy: "skipped" });
    expect(run.step("deploy")).toMatchObject({ started_at: undefined, finished_at: run.now });
  });

  it("is evaluated for roots too", () => {
    const run = given([job("root", [], on({ type: "eq", left: 1, right: 2 })), job("other")]);
    expect(run.statuses).toEqual({ root: "skipped", other: "running" });
  });

  it("that is false lets dependents go on", () => {
    const run = given([job("a", [], on({ type: "any_of", conditions: [] })), job("b", ["a"]), job("c", ["b"])]);
    expect(run.statuses).toEqual({ a: "skipped", b: "running", c: "waiting" });
    expect(run.step("b").deps_completed).toBe(1);
    expect(run.completes("b").completes("c").row.status).toBe("completed");
  });

  it("that can't be evaluated fails the step, by its policy", () => {
    const plan = planWith([
      job("a", [], { ...on(statusIs("gone", "completed")), on_failure: "continue" }),
      job("b", ["a"]),
    ]);
    const run = given(plan.steps);
    expect(run.step("a").error).toBe('condition of step a: condition references unknown step "gone"');
    expect(run.statuses).toEqual({ a: "failed", b: "running" });
    expect(given([job("a", [], on(statusIs("gone", "completed")))]).row.status).toBe("failed");
  });

  it("is evaluated when the step could start, not before", () => {
    const run = given([job("a"), job("b"), job("c", ["a"], on(statusIs("b", "completed")))]);
    run.completes("b").completes("a");
    expect(run.statuses.c).toBe("running");
  });
});

describe("a disabled step", () => {
  it("is gone, also from what others depend on", () => {
    const { steps } = planWith([job("a"), job("b", ["a"]), job("c", ["a", "b"])]);
    const run = given(
      enabledSteps(steps, [
        { step_ref: "b", enabled: false },
        { step_ref: "a", enabled: true },
      ]),
    );
    expect(run.statuses).toEqual({ a: "running", c: "waiting" });
    expect(run.step("c").deps_required).toBe(1);
    expect(run.completes("a").completes("c").row.status).toBe("completed");
  });
});

describe("a run retry", () => {
  const steps = [job("a"), job("b", ["a"]), job("c", ["b"])];

  it("keeps completed steps with their output, as completed now, and runs the rest", () => {
    const run = given(steps, {}, [{ step_ref: "a", output: text(1) }]);
    expect(run.statuses).toEqual({ a: "completed", b: "running", c: "waiting" });
    const at = run.plan.run.created_at;
    expect(run.step("a")).toMatchObject({ output: text(1), started_at: at, finished_at: at, job_run_id: undefined });
    expect(run.completes("b").completes("c").row.status).toBe("completed");
  });

  it("of a completed run completes at once", () => {
    const run = given(
      steps,
      {},
      steps.map(({ step_ref }) => ({ step_ref })),
    );
    expect(run.row).toMatchObject({ status: "completed", finished_at: run.now });
  });
});
