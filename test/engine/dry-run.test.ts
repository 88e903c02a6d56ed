import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../workflows/engine/decide.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { type Preview, previewOf } from "../../workflows/engine/preview.ts";
import { RECOVERIES, type RecoveryRequest } from "../../workflows/engine/recovery.ts";
import { initialRun, type RunState, type StepState } from "../../workflows/engine/state.ts";
import { isStepOver } from "../../workflows/engine/transitions.ts";
import { runRow } from "../../workflows/engine/view.ts";
import { given, type Story } from "./given.ts";
import { plain } from "./mirror-model.ts";
import { approval, job } from "./plans.ts";
import { moves } from "./random-moves.ts";
import { randomPlan } from "./random-plans.ts";
import { RandomRun } from "./random-run.ts";

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
      const { code, message } = run.command(verb, ref);
      expect(foreseen(run, verb, ref)).toEqual({ status: "refused", code, message });
    }
    expect(foreseen(run, "retry-run")).toMatchObject({ message: "can only retry a workflow run in terminal state" });
  });
});

/** What became of a step, told from how it stood before and stands now alone. */
function happened(was: StepState, is: StepState): string[] {
  const open = (step: StepState) => step.started_at !== undefined && !isStepOver(step.status);
  const reset = is.generation !== was.generation;
  const all: [string, boolean][] = [
    ["canceled", reset && open(was)],
    ["reset", reset],
    ["started", is.started_at !== undefined && (reset || was.started_at === undefined)],
    ["canceled", is.status === "canceled" && (reset || !isStepOver(was.status))],
    ["ended", is.status !== "canceled" && isStepOver(is.status) && (reset || !isStepOver(was.status))],
  ];
  const names = all.filter(([, did]) => did).map(([name]) => name);
  return names.length > 0 ? names : ["kept"];
}

const randomRequests = fc.array(
  fc.record({
    verb: fc.constantFrom(...RECOVERIES),
    step: fc.nat(),
    moves: fc.nat(20),
    reason: fc.string(),
    edits: fc.nat(9),
  }),
  { minLength: 1, maxLength: 6 },
);

describe("any recovery of any run", () => {
  it("does exactly what its dry run said, which changed nothing; read off the mirror it says the same", () => {
    let applied = 0;
    fc.assert(
      fc.property(randomPlan, moves, randomRequests, ({ plan, completed }, all, requests) => {
        const random = new RandomRun(plan, completed);
        const left = [...all];
        for (const { verb, step, moves: some, reason, edits } of requests) {
          for (const move of left.splice(0, some)) random.move(move);
          const step_ref = plan.steps[step % plan.steps.length]?.step_ref ?? "";
          const step_payloads =
            edits > 7 && (verb.startsWith("retry") || verb === "replay-subtree")
              ? { [step_ref]: { text: `${step}` } }
              : undefined;
          const { child_run_id } = random.run.state.steps[plan.index.get(step_ref) as number] as StepState;
          const between = { child_run_id, life: edits, only_tell: edits === 2 };
          const request: RecoveryRequest = { verb, step_ref, reason, step_payloads, actor: "ada", ...between };
          let before = {} as RunState;
          let preview = {} as ReturnType<typeof previewOf>;
          const id = random.recovers(request, ({ state }, mirrored, now) => {
            before = plain(state);
            preview = previewOf(plan, state, request, now);
            assert.deepEqual(plain(state), before, "a dry run changes nothing");
            if (mirrored) assert.deepEqual(previewOf(plan, mirrored, request, now), preview);
          });
          const outcome = random.run.outcomes.get(id);
          if (preview.status === "refused") {
            if (verb !== "retry-run") assert.deepEqual(preview, pick(outcome));
            continue;
          }
          applied++;
          const planned = (preview as Preview).steps;
          const after = verb === "retry-run" ? retryOf(plan, before) : random.run.state;
          if (verb !== "retry-run") assert.equal(preview.reset_steps, outcome?.reset_steps ?? 0);
          assert.equal(preview.status_after, after.status);
          if (step_payloads && verb !== "retry-run")
            assert.deepEqual(runRow(random.run).step_payloads?.[step_ref], step_payloads[step_ref]);
          for (const [i, { status, status_after, actions, reason }] of planned.entries()) {
            const [was, is] = [before.steps[i], after.steps[i]] as [StepState, StepState];
            assert.deepEqual([status, status_after], [was.status, is.status]);
            assert(reason.length > 0);
            if (verb !== "retry-run") assert.deepEqual(actions, happened(was, is));
            else assert.equal(actions[0] === "kept", was.status === "completed");
          }
        }
        random.drain();
      }),
      { numRuns: 300, interruptAfterTimeLimit: 30_000 },
    );
    expect(applied).toBeGreaterThan(50);
  });
});

const pick = (outcome: { status: string; code?: string; message?: string } | undefined) => {
  assert(outcome);
  const { status, code, message } = outcome;
  return { status, code, message };
};

function retryOf(plan: Parameters<typeof initialRun>[0], source: RunState): RunState {
  const kept = plan.steps.filter((_, i) => source.steps[i]?.status === "completed");
  const run = initialRun(plan, kept);
  for (let next = decide(run); next; next = decide(run)) evolve(run, { ...next, at: plan.run.created_at });
  return run.state;
}
