import { describe, expect, it } from "vitest";
import { given, text } from "../given.ts";
import { chain, ENDINGS } from "./chain.ts";
import { approval, BEGIN, child, job, sleep, wait } from "../plans.ts";

const failed = () => chain().completes("a", text("A")).completes("side", text("S")).fails("b", { error: "no" });

describe("step retry", () => {
  it("of another step leaves the run failed with the error of the one that failed it, whatever else failed", () => {
    const run = given([job("soft", [], { on_failure: "skip_dependents" }), job("hard"), job("other")]);
    run.fails("soft", { error: "soft" }).fails("hard", { error: "hard" }).does("retry", "other").completes("other");
    expect(run.row).toMatchObject({ status: "failed", error: "hard" });
  });

  it("reopens a failed run: the step runs again with what was canceled behind it, the rest is kept", () => {
    const run = failed();
    expect(run.row).toMatchObject({ status: "failed", error: "no" });
    const { job_run_id } = run.step("b");
    run.later(60);
    const { id, reset_steps } = run.command("retry", "b");
    expect(reset_steps).toBe(2);
    expect(run.run.replies.get(id)?.step).toMatchObject({
      status: "pending",
      attempt: 2,
      deps_completed: 1,
      deps_required: 1,
    });
    expect(run.run.replies.get(id)?.step?.job_run_id).toBeUndefined();

    expect(run.row).toMatchObject({
      status: "running",
      error: undefined,
      finished_at: undefined,
      started_at: BEGIN,
      expires_at: run.now + 600_000,
    });
    expect(run.statuses).toEqual({ a: "completed", b: "running", c: "waiting", side: "completed" });
    expect(run.step("b")).toMatchObject({ attempt: 2, generation: 1, started_at: run.now, error: undefined });
    expect(run.step("b").job_run_id).not.toBe(job_run_id);
    expect(run.step("a")).toMatchObject({ attempt: 1, generation: 0, output: text("A"), started_at: BEGIN });

    run.completes("b");
    expect(run.step("c")).toMatchObject({ status: "running", attempt: 1 });
    expect(run.completes("c").row).toMatchObject({ status: "completed", error: undefined });
  });

  it.each(ENDINGS)("works twice in a row on a %s run", (status, end) => {
    const run = end(chain().completes("a"));
    for (const attempt of [2, 3]) {
      expect(run.row.status).toBe(status);
      run.does("retry", "b");
      expect(run.row).toMatchObject({ status: "running", finished_at: undefined });
      expect(run.step("b")).toMatchObject({ status: "running", attempt });
      end(run);
    }
    run.does("retry", "b").completes("b").completes("c");
    if (run.statuses.side === "running") run.completes("side");
    expect(run.row.status).toBe("completed");
  });

  it("of a completed run runs that step again, and nothing of what completed after it", () => {
    const run = given([job("a"), job("b", ["a"])])
      .completes("a", text(1))
      .completes("b", text(2));
    run.does("retry", "a");
    expect(run.statuses).toEqual({ a: "running", b: "completed" });
    expect(run.step("a").output).toBeUndefined();
    expect(run.step("b")).toMatchObject({ deps_completed: 0, output: text(2) });
    run.completes("a", text(3));
    expect(run.row.status).toBe("completed");
    expect(run.step("b")).toMatchObject({ deps_completed: 1, generation: 0, attempt: 1 });
    expect(run.does("retry", "a").completes("a").row.status).toBe("completed");
  });

  it("of an open run resets only what its end skipped", () => {
    const policy = { on_failure: "skip_dependents" } as const;
    const run = given([
      job("a", [], policy),
      job("b", ["a"]),
      job("c", ["b"]),
      job("other"),
      job("join", ["other"]),
    ]).fails("a");
    expect(run.statuses).toEqual({ a: "failed", b: "skipped", c: "skipped", other: "running", join: "waiting" });
    expect(run.command("retry", "a").reset_steps).toBe(3);
    expect(run.statuses).toEqual({ a: "running", b: "waiting", c: "waiting", other: "running", join: "waiting" });
    expect(run.step("other")).toMatchObject({ generation: 0, attempt: 1 });
    expect(run.fails("a").statuses).toMatchObject({ a: "failed", b: "skipped", c: "skipped" });
    run.does("retry", "a").completes("a").completes("b").completes("c").completes("other").completes("join");
    expect(run.row.status).toBe("completed");
  });

  it("lets a paused run go on", () => {
    const run = given([job("a", [], { on_failure: "continue" }), approval("gate")])
      .fails("a")
      .does("pause")
      .does("retry", "a");
    expect(run.row.status).toBe("running");
    expect(run.statuses).toEqual({ a: "running", gate: "waiting" });
    expect(run.fails("a").does("pause").does("retry", "a").statuses.a).toBe("running");
  });

  it("resumes wherever the end of the run had canceled something, also beside the step", () => {
    const run = given([job("bad"), job("beside"), approval("gate"), job("join", ["bad", "beside", "gate"])]).fails(
      "bad",
    );
    expect(run.statuses).toEqual({ bad: "failed", beside: "canceled", gate: "canceled", join: "canceled" });
    expect(run.command("retry", "bad").reset_steps).toBe(2);
    expect(run.statuses).toEqual({ bad: "running", beside: "running", gate: "waiting", join: "waiting" });
    expect(run.step("beside").attempt).toBe(2);
    run.completes("bad").completes("beside").does("approve", "gate").completes("join");
    expect(run.row.status).toBe("completed");
  });

  it("opens a gate anew, with its whole time", () => {
    const run = given([approval("gate", [], { approval_timeout_secs: 60 })]).later(60);
    expect(run.row.error).toBe("approval timed out");
    run.later(100).does("retry", "gate");
    expect(run.approval("gate")).toMatchObject({
      status: "pending",
      requested_at: run.now,
      expires_at: run.now + 60_000,
    });
    expect(run.later(59).does("approve", "gate").row.status).toBe("completed");
  });

  it.each([
    ["sleep", sleep("s")],
    ["wait_for_event", wait("s")],
    ["approval", approval("s")],
    ["sub_workflow", child("s")],
    ["job", job("s")],
  ])("begins a %s step from scratch, twice", (_, step) => {
    const run = given([step, job("open")]);
    const first = JSON.stringify(run.step("s").status);
    const lives = new Set([run.state("s").child_run_id ?? run.state("s").job_run_id]);
    for (const generation of [1, 2]) {
      run.happens({ type: "cancel_requested" }).later(10).does("retry", "s");
      expect(run.state("s")).toMatchObject({ generation, attempt: generation + 1, started_at: run.now });
      expect(JSON.stringify(run.step("s").status)).toBe(first);
      lives.add(run.state("s").child_run_id ?? run.state("s").job_run_id);
    }
    if (!lives.has(undefined)) expect(lives.size).toBe(3);
  });

  it("lets what began behind it go on, whatever becomes of the new try", () => {
    const run = given([
      job("a", [], { on_failure: "skip_dependents" }),
      job("b", ["a"]),
      approval("gate", ["a"]),
      job("c", ["b"]),
    ]);
    run.completes("a").does("retry", "a").fails("a");
    expect(run.statuses).toEqual({ a: "failed", b: "running", gate: "waiting", c: "waiting" });
    run.completes("b").completes("c").does("approve", "gate");
    expect(run.row.status).toBe("failed");
  });

  it("skips the step again where what it needs has ended badly", () => {
    const run = given([job("a", [], { on_failure: "skip_dependents" }), job("b", ["a"])])
      .fails("a")
      .does("retry", "b");
    expect(run.statuses).toEqual({ a: "failed", b: "skipped" });
    expect(run.row.status).toBe("failed");
  });

  it("gives a job all its attempts again, counted on", () => {
    const run = given([job("a", [], { retry_max_attempts: 2 })])
      .fails("a", { class: "server" })
      .later(1)
      .fails("a", { class: "server" });
    expect(run.step("a")).toMatchObject({ status: "failed", attempt: 2 });
    run.does("retry", "a").fails("a", { class: "server" }).later(1);
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 4 });
    expect(run.fails("a", { class: "server" }).row.status).toBe("failed");
  });
});
