import { describe, expect, it } from "vitest";
import { given, type Story, text } from "./given.ts";
import { approval, job } from "./plans.ts";
import { plain } from "../model/mirror-model.ts";
import { attemptRow } from "../../workflows/engine/mirror/attempts.ts";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";
import { restoredRun } from "../../workflows/engine/run.ts";
import { mirroredState } from "../../workflows/engine/mirror/stored-run.ts";

/** What was written down of attempts since the last look, and the latest one of the step. */
function attempts(run: Story, ref: string) {
  const { attempts: left = [] } = takeUnmirrored(run.run);
  run.run.inFlight = undefined;
  const latest = attemptRow(run.run, run.index(ref));
  return [...left.filter(({ step_run_id }) => step_run_id === latest.step_run_id), latest];
}

describe("the attempts of a step", () => {
  it("are each kept as they ended: tries of a job run, and what came before a reset", () => {
    const run = given([job("a", [], { retry_max_attempts: 2 })]).fails("a", { class: "server", error: "first" });
    const failedAt = run.now;
    run.later(60);
    const [begun, again] = [run.state("a").started_at, run.state("a").attempt_started_at];
    expect(again).toBeGreaterThan(failedAt);
    run.completes("a", text("A"));
    const ended = run.now;
    run.later(5).does("retry", "a").fails("a", { error: "no" });
    expect(attempts(run, "a")).toMatchObject([
      { attempt: 1, status: "failed", error: "first", started_at: begun, finished_at: failedAt },
      { attempt: 2, status: "completed", output: text("A"), started_at: again, finished_at: ended },
      { attempt: 3, status: "failed", error: "no", started_at: run.now },
    ]);
  });

  it("keep the mark of an override, of an open run and of one that is opened again", () => {
    const run = given([approval("gate"), job("a")]).does("skip", "gate", { reason: "no time" });
    const overridden = { status: "overridden", approved_by: "ada", error: "no time" };
    run.does("retry", "gate").does("force-complete", "gate", { reason: "still none" }).completes("a");
    const rows = takeUnmirrored(run.run);
    expect(rows.attempts).toMatchObject([{ attempt: 1, status: "skipped", cause: "operator", approval: overridden }]);

    const mirrored = mirroredState(run.plan, rows.run, rows.steps, rows.commands, rows.approvals);
    run.run = restoredRun(run.plan, plain(mirrored));
    run.does("retry", "gate");
    expect(attempts(run, "gate")).toMatchObject([
      { attempt: 2, status: "completed", cause: "operator", approval: { ...overridden, error: "still none" } },
      { attempt: 3, status: "waiting", approval: { status: "pending" } },
    ]);
  });

  it("count a step that was skipped before it began, so that its mark is not overwritten", () => {
    const run = given([job("a"), job("b", ["a"])])
      .does("skip", "b")
      .completes("a")
      .does("retry", "a")
      .completes("a");
    expect(attempts(run, "b")).toMatchObject([
      { attempt: 1, status: "skipped", cause: "operator" },
      { attempt: 2, status: "running" },
    ]);
  });

  it("that a replay ends are canceled", () => {
    const run = given([job("a"), job("b", ["a"])])
      .completes("a")
      .later(1)
      .does("replay-subtree", "a");
    expect(attempts(run, "b")).toMatchObject([
      { attempt: 1, status: "canceled", finished_at: run.now },
      { attempt: 2, status: "waiting" },
    ]);
  });

  it("that the end of the run kept from being followed by another one stay as they were shown then", () => {
    const run = given([job("a", [], { retry_max_attempts: 2 })])
      .fails("a", { class: "server", error: "first" })
      .later(0.1)
      .happens({ type: "cancel_requested" });
    const [shown] = attempts(run, "a");
    expect(shown).toMatchObject({ attempt: 1, status: "canceled", finished_at: run.now });
    expect(attempts(run.later(1).does("retry", "a"), "a")).toEqual([shown, expect.objectContaining({ attempt: 2 })]);
  });
});
