import { describe, expect, it } from "vitest";
import { given, text } from "./given.ts";
import { approval, BEGIN, child, job, sleep } from "./plans.ts";

describe("a job step", () => {
  it("is running while it is dispatched, and completes with the endpoint's answer", () => {
    const run = given([job("build")]);
    expect(run.step("build")).toMatchObject({ status: "running", attempt: 1, started_at: BEGIN });
    expect(run.step("build").job_run_id).toBeDefined();
    expect(run.work("build")).toEqual(["dispatch"]);

    run.completes("build", text({ ok: true }));
    expect(run.step("build")).toMatchObject({ status: "completed", output: text({ ok: true }), finished_at: run.now });
    expect(run.work("build")).toEqual([]);
    expect(run.row.status).toBe("completed");
  });

  it("may complete without an output", () => {
    expect(
      given([job("build")])
        .completes("build")
        .step("build").output,
    ).toBeUndefined();
  });
});

describe("an approval step", () => {
  it("waits, open since it was requested, and completes without an output when one of its approvers approves", () => {
    const run = given([approval("gate"), job("deploy", ["gate"])]);
    expect(run.step("gate")).toMatchObject({ status: "waiting", started_at: BEGIN });
    expect(run.approval("gate")).toMatchObject({ status: "pending", approvers: ["ada", "bob"], requested_at: BEGIN });
    expect(run.approval("gate")?.expires_at).toBeUndefined();

    run.later(5).does("approve", "gate", { actor: "bob" });
    expect(run.step("gate")).toMatchObject({ status: "completed", started_at: BEGIN, finished_at: run.now });
    expect(run.step("gate").output).toBeUndefined();
    expect(run.approval("gate")).toMatchObject({ status: "approved", approved_by: "bob", approved_at: run.now });
    expect(run.trigger("gate")).toMatchObject({
      status: "received",
      sent_by: "bob",
      event_key: `approval:${run.plan.run.id}:gate`,
    });
    expect(run.step("deploy")).toMatchObject({ status: "running", deps_completed: 1 });
  });

  it("waits without end when its timeout is 0", () => {
    const run = given([approval("gate", [], { approval_timeout_secs: 0 })]).later(10 * 365 * 86_400);
    expect(run.statuses).toEqual({ gate: "waiting" });
    expect(run.work("gate")).toEqual([]);
  });

  it("fails when nobody decides in time, and its failure policy applies", () => {
    const run = given([
      approval("gate", [], { approval_timeout_secs: 30, on_failure: "continue" }),
      job("after", ["gate"]),
    ]);
    expect(run.approval("gate")?.expires_at).toBe(BEGIN + 30_000);
    expect(run.later(29).statuses).toEqual({ gate: "waiting", after: "waiting" });
    run.later(1);
    expect(run.step("gate")).toMatchObject({ status: "failed", error: "approval timed out" });
    expect(run.approval("gate")?.status).toBe("timed_out");
    expect(run.trigger("gate")?.status).toBe("timed_out");
    expect(run.step("after").status).toBe("running");
  });

  it("lets anyone approve when it names nobody", () => {
    given([approval("gate", [], { approval_approvers: [] })]).does("approve", "gate", { actor: "whoever" });
  });
});

describe("a sleep step", () => {
  it("completes exactly when its time is over, and says how long it slept", () => {
    const run = given([sleep("nap", [], { sleep_duration_secs: 90 })]);
    expect(run.step("nap")).toMatchObject({ status: "waiting", started_at: BEGIN });
    expect(run.trigger("nap")).toMatchObject({
      status: "waiting",
      timeout_secs: 90,
      event_key: `sleep:${run.plan.run.id}:nap`,
    });
    expect(run.later(89.999).statuses).toEqual({ nap: "waiting" });
    run.later(0.001);
    expect(run.step("nap")).toMatchObject({ status: "completed", finished_at: BEGIN + 90_000 });
    expect(run.step("nap").output).toEqual(text({ slept_for_secs: 90, completed_at: "2026-03-02T10:01:30Z" }));
    expect(run.trigger("nap")?.status).toBe("received");
  });
});

describe("a sub_workflow step", () => {
  const started = () => given([child("sub"), job("after", ["sub"])]).news("sub", { type: "child_started" });
  const child_run_id = (run: ReturnType<typeof started>) => run.state("sub").child_run_id as string;

  it("is running without a job run, and completes with the child's outputs", () => {
    const run = started();
    expect(run.step("sub")).toMatchObject({ status: "running", job_run_id: undefined });
    expect(run.work("sub")).toEqual(["child"]);
    run.happens({
      type: "child_ended",
      child_run_id: child_run_id(run),
      status: "completed",
      output: text({ build: 1 }),
    });
    expect(run.step("sub")).toMatchObject({ status: "completed", output: text({ build: 1 }) });
    expect(run.step("after").status).toBe("running");
  });

  it("fails as its child does, with the child's error", () => {
    const run = started();
    run.happens({
      type: "child_ended",
      child_run_id: child_run_id(run),
      status: "failed",
      error: "endpoint returned 500: no",
    });
    expect(run.row).toMatchObject({ status: "failed", error: "endpoint returned 500: no" });
  });

  it.each([
    ["failed", "failed"],
    ["canceled", "ended with status canceled"],
    ["timed_out", "ended with status timed_out"],
  ] as const)("fails when its child was %s without an error: sub-workflow … %s", (status, ended) => {
    const run = started();
    run.happens({ type: "child_ended", child_run_id: child_run_id(run), status });
    expect(run.step("sub").error).toBe(`sub-workflow 019571a0-0000-7000-8000-0000000000cc ${ended}`);
  });

  it("times out with its run, whichever of the two ends is told first", () => {
    const run = given([child("sub")], { timeout_secs: 30 }).news("sub", { type: "child_started" });
    run.now += 30_000;
    run.happens({ type: "child_ended", child_run_id: run.state("sub").child_run_id ?? "", status: "timed_out" });
    expect(run.row).toMatchObject({ status: "timed_out", error: "workflow timed out" });
    expect(run.step("sub").status).toBe("canceled");
  });

  it("fails when its child cannot start, instead of running forever", () => {
    const run = given([child("sub")]).news("sub", { type: "child_refused", error: "workflow is disabled" });
    expect(run.row).toMatchObject({ status: "failed", error: "workflow is disabled" });
  });
});
