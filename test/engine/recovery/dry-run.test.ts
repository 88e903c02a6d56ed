import { describe, expect, it } from "vitest";
import { given, type Story } from "../given.ts";
import { approval, job } from "../plans.ts";
import { type Preview, previewOf } from "../../../workflows/engine/preview.ts";
import type { RecoveryRequest } from "../../../workflows/engine/recovery/request.ts";

const foreseen = (run: Story, verb: RecoveryRequest["verb"], step_ref?: string) =>
  previewOf(run.plan, run.run.state, { verb, step_ref, actor: "ada" }, run.now);

/** By step: what happens, and why. */
function said(run: Story, verb: RecoveryRequest["verb"], step_ref?: string): Record<string, [string, string]> {
  const preview = foreseen(run, verb, step_ref) as Preview;
  return Object.fromEntries(preview.steps.map((step) => [step.step_ref, [step.actions.join(" "), step.reason]]));
}

describe("a dry run", () => {
  const failed = () =>
    given([job("a"), job("b", ["a"]), job("c", ["b"]), job("side", ["a"])])
      .completes("a")
      .fails("b");

  it("of a step retry says of every step what happens to it, and why", () => {
    expect(said(failed(), "retry", "b")).toEqual({
      a: ["kept", "stays completed"],
      b: ["reset started", "is retried; can start at once"],
      c: ["reset", "did not run because of how b ended; has to wait until it can start"],
      side: ["reset started", "was canceled by the end of the run, which goes on; can start at once"],
    });
    expect(foreseen(failed(), "retry", "b")).toMatchObject({
      status: "failed",
      status_after: "running",
      reset_steps: 2,
      steps: [{ status_after: "completed" }, { status: "failed", status_after: "running" }, {}, {}],
    });
  });

  it("of a replay says what is canceled first", () => {
    const run = given([job("a"), job("b", ["a"]), approval("other")])
      .completes("a")
      .does("pause");
    expect(said(run, "replay-subtree", "a")).toEqual({
      a: ["reset started", "is replayed; can start at once"],
      b: ["canceled reset", "comes after a; has to wait until it can start"],
      other: ["kept", "goes on"],
    });
  });

  it("of a run retry tells of the new run", () => {
    expect(said(failed(), "retry-run")).toEqual({
      a: ["kept", "stays completed"],
      b: ["reset started", "was failed, not completed; can start at once"],
      c: ["reset", "was canceled, not completed; has to wait until it can start"],
      side: ["reset started", "was canceled, not completed; can start at once"],
    });
  });

  it("of skip and force-complete says what ends, and what may start then", () => {
    const run = given([approval("gate"), job("after", ["gate"]), job("later", ["after"])]);
    expect(said(run, "skip", "gate")).toEqual({
      gate: ["ended", "is skipped"],
      after: ["started", "can start at once"],
      later: ["kept", "has not started, and cannot yet"],
    });
    expect(said(run, "force-complete", "later")).toEqual({
      gate: ["kept", "goes on"],
      after: ["kept", "has not started, and cannot yet"],
      later: ["ended", "is force-completed"],
    });
  });

  it("sees that a reset step cannot run, and what stands in its way", () => {
    const policy = { on_failure: "skip_dependents" } as const;
    const run = given([job("bad", [], policy), job("good"), job("join", ["good", "bad"])])
      .fails("bad")
      .completes("good");
    expect(said(run, "retry", "join").join).toEqual(["reset ended", "is retried; cannot run after bad"]);
  });

  it("is refused as the act is", () => {
    const run = given([job("a")]);
    for (const [verb, ref] of [
      ["retry", "a"],
      ["replay-subtree", "a"],
      ["skip", "a"],
      ["force-complete", "a"],
      ["retry", "nope"],
      ["replay-subtree", "nope"],
    ] as const) {
      const { code, message, details } = run.command(verb, ref);
      expect(foreseen(run, verb, ref)).toEqual({ status: "refused", code, message, ...(details && { details }) });
    }
    expect(foreseen(run, "retry-run")).toMatchObject({ message: "can only retry a workflow run in terminal state" });
  });
});
