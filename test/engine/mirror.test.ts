import { describe, expect, it } from "vitest";
import { given, type Story, text } from "./given.ts";
import { approval, BEGIN, job, planWith, wait } from "./plans.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import {
  isMinor,
  isMirrored,
  takeBestEffort,
  takeUnmirrored,
  unmirroredRows,
} from "../../workflows/engine/mirror/mirroring.ts";
import { ownRows, stepRow, untouchedRow } from "../../workflows/engine/mirror/view.ts";
import { initialRun } from "../../workflows/engine/run.ts";

/** One mirror write that succeeds. */
function write(run: Story) {
  const rows = takeUnmirrored(run.run);
  run.run.inFlight = undefined;
  return rows;
}

describe("what the mirror is given", () => {
  it("is the run, and of the steps those that changed since the last write", () => {
    const run = given([job("a"), job("b"), job("c", ["a"])]);
    expect(write(run)).toMatchObject({
      run: { status: "running" },
      steps: [{ step_ref: "a" }, { step_ref: "b" }, { step_ref: "c" }],
    });
    expect(isMirrored(run.run)).toBe(true);
    const { run: row, steps, job_runs } = write(run.completes("b"));
    expect(row.status).toBe("running");
    expect(steps).toMatchObject([{ step_ref: "b", status: "completed" }]);
    expect(job_runs).toMatchObject([{ status: "completed" }]);
  });

  it("has a dependent's row when only its counter rose", () => {
    const run = given([job("a"), job("b"), job("c", ["a", "b"])]);
    write(run);
    expect(write(run.completes("a")).steps).toMatchObject([
      { step_ref: "a" },
      { step_ref: "c", deps_completed: 1, status: "waiting" },
    ]);
  });

  it("has what the write in flight carries as long as nobody knows that it arrived, each row once", () => {
    const run = given([job("a"), approval("gate")]);
    takeUnmirrored(run.run);
    run.does("approve", "gate");
    expect(isMirrored(run.run)).toBe(false);
    const rows = unmirroredRows(run.run);
    expect(rows.steps.map(({ step_ref, status }) => [step_ref, status])).toEqual([
      ["a", "running"],
      ["gate", "completed"],
    ]);
    expect(rows.approvals).toMatchObject([{ status: "approved" }]);
    expect(rows.triggers).toMatchObject([{ status: "received" }]);
    expect(rows.commands).toMatchObject([{ verb: "approve", status: "applied" }]);
  });

  it("has once more, with what came after, all that was only told in passing", () => {
    const run = given([job("a"), job("b", ["a"]), job("c", ["b"])]);
    expect(takeBestEffort(run.run).steps).toMatchObject([{ step_ref: "a" }, { step_ref: "b" }]);
    expect(isMirrored(run.run)).toBe(false);
    run.completes("a");
    expect(takeBestEffort(run.run).steps).toMatchObject([
      { status: "completed" },
      { step_ref: "b" },
      { step_ref: "c" },
    ]);
    run.completes("b");
    expect(write(run).steps).toMatchObject([
      { step_ref: "a", status: "completed" },
      { step_ref: "b", status: "completed" },
      { step_ref: "c", status: "running" },
    ]);
    expect(isMirrored(run.run)).toBe(true);
  });

  it("is minor where steps only go on, and not where a gate opens, a command is heard or the run ends", () => {
    expect(isMinor(given([job("a"), job("b", ["a"])]).completes("a").run)).toBe(true);
    expect(isMinor(given([job("a"), approval("gate", ["a"])]).completes("a").run)).toBe(false);
    expect(isMinor(given([job("a")]).does("pause").run)).toBe(false);
    expect(isMinor(given([job("a")]).completes("a").run)).toBe(false);
  });

  it("has an event's trigger only once its key is known", () => {
    const run = given([wait("paid")]);
    expect(write(run).triggers).toEqual([]);
    run.news("paid", { type: "wait_opened", event_key: "k" });
    expect(write(run).triggers).toMatchObject([{ event_key: "k", status: "waiting" }]);
  });

  it("leaves a kept step's job run alone when only its counter changed", () => {
    const run = given([job("a"), job("b", ["a"])])
      .completes("a")
      .completes("b");
    write(run);
    const { steps, job_runs } = write(run.does("retry", "a"));
    expect(steps).toMatchObject([{ step_ref: "a" }, { step_ref: "b", status: "completed", deps_completed: 0 }]);
    expect(job_runs).toMatchObject([{ step_run_id: run.step("a").id, status: "executing" }]);
  });
});

describe("a revision", () => {
  it("is newer than all of a workflow task that was mirrored and then lost, however little happens instead", () => {
    const chain = [job("a"), job("b", ["a"]), job("c", ["b"])];
    const [lost, again] = [given(chain), given(chain)];
    lost.later(1).completes("a").completes("b").completes("c");
    again.later(1.1).completes("a");
    expect(again.row.revision).toBeGreaterThan(lost.row.revision);
    expect(again.step("a").revision).toBeGreaterThan(lost.step("c").revision);
  });
});

describe("a job run", () => {
  it("counts the attempts of its own dispatch, and says how it ended", () => {
    const run = given([job("a", [], { retry_max_attempts: 2 })]).fails("a", { class: "server", error: "first" });
    expect(write(run).job_runs).toMatchObject([{ status: "executing", attempt: 1, error: "first" }]);
    run.later(1).fails("a", { class: "timeout", error: "execution timed out" });
    expect(write(run).job_runs).toMatchObject([
      { status: "timed_out", attempt: 2, error: "execution timed out", finished_at: run.now },
    ]);
    run.does("retry", "a").fails("a", { class: "server" }).later(1).completes("a", text(1));
    const [jobRun] = write(run).job_runs;
    expect(jobRun).toMatchObject({ status: "completed", attempt: 2, output: text(1) });
    expect(jobRun?.error).toBeUndefined();
  });

  it("that a replay ended is canceled, also when its row was already written", () => {
    const run = given([job("a")]);
    const [before] = write(run).job_runs;
    run.later(1).does("pause").does("replay-subtree", "a");
    const [old, next] = write(run).job_runs;
    expect(old).toMatchObject({ id: before?.id, status: "canceled", finished_at: run.now });
    expect(old?.revision).toBeGreaterThan(before?.revision as number);
    expect(next).toMatchObject({ status: "executing", attempt: 1 });
  });

  it("that ended just before its step was reset is written as it ended", () => {
    const run = given([job("a")]);
    write(run);
    run.fails("a", { error: "no" }).does("retry", "a");
    expect(write(run).job_runs).toMatchObject([{ status: "dead_letter", error: "no" }, { status: "executing" }]);
  });
});

describe("the job run that a trigger of a job made", () => {
  const step = job("job");
  const ofJob = { workflow_id: step.job_id };

  it("is there before it starts, and says when it was made and when it started", () => {
    const { jobRun: queued } = ownRows(initialRun(planWith([step], ofJob)), 0);
    expect(queued).toMatchObject({ status: "queued", attempt: 1, created_at: BEGIN });
    expect(queued?.started_at).toBeUndefined();
    const [started] = write(given([step], ofJob)).job_runs;
    expect(started).toMatchObject({ id: queued?.id, status: "executing", created_at: BEGIN, started_at: BEGIN });
    expect(ownRows(initialRun(planWith([step])), 0).jobRun).toBeUndefined();
  });

  it("is canceled with its run, also where it never started", () => {
    const run = evolve(initialRun(planWith([step], ofJob)), { type: "cancel_requested", at: BEGIN });
    expect(takeUnmirrored(run).job_runs).toMatchObject([{ status: "canceled", finished_at: BEGIN }]);
  });

  it("expires with its run", () => {
    const run = given([step], { ...ofJob, timeout_secs: 5 }).later(5);
    expect(write(run).job_runs).toMatchObject([{ status: "expired", error: "run_ttl_secs is over" }]);
  });
});

describe("a gate that a replay closed", () => {
  it("is canceled in the mirror before it opens again", () => {
    const run = given([job("a"), approval("gate", ["a"])]).completes("a");
    write(run);
    run.does("pause").does("replay-subtree", "a");
    const { approvals, triggers } = write(run);
    expect(approvals).toMatchObject([{ status: "canceled" }]);
    expect(triggers).toMatchObject([{ status: "canceled", error: "step was reset" }]);
    run.completes("a");
    expect(write(run).approvals).toMatchObject([{ status: "pending", requested_at: run.now }]);
  });

  it("gives its event key back", () => {
    const run = given([job("a"), wait("paid", ["a"])])
      .completes("a")
      .news("paid", { type: "wait_opened", event_key: "k" });
    write(run);
    run.does("pause").does("replay-subtree", "a");
    expect(write(run).triggers).toMatchObject([{ event_key: "k", status: "canceled" }]);
  });

  it("gives its event key back also when it was still being registered", () => {
    const run = given([job("a"), wait("paid", ["a"])])
      .completes("a")
      .does("pause")
      .does("replay-subtree", "a");
    expect(write(run).triggers).toEqual([]);
    run.happens({ type: "wait_opened", step: run.index("paid"), generation: 0, event_key: "k" });
    expect(write(run).triggers).toMatchObject([{ event_key: "k", status: "canceled", error: "step was reset" }]);
    expect(run.completes("a").news("paid", { type: "wait_opened", event_key: "k2" }).trigger("paid")).toMatchObject({
      status: "waiting",
      event_key: "k2",
    });
  });
});

describe("a step to which nothing has happened", () => {
  it("looks as it is read from the run that begins", () => {
    const plan = planWith([job("a"), approval("gate"), wait("event", ["a"]), job("b", ["a", "gate"])]);
    const run = initialRun(plan);
    for (const [i, step] of plan.steps.entries()) expect(untouchedRow(plan.run, step, i)).toEqual(stepRow(run, i));
  });
});
