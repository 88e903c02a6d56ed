import { describe, expect, it } from "vitest";
import fc from "fast-check";
import assert from "node:assert/strict";
import { plain } from "./mirror-model.ts";
import { Play } from "./play.ts";
import { moves } from "./random-moves.ts";
import { randomPlan } from "./random-plans.ts";
import { advance } from "../../workflows/engine/advance.ts";
import { type Preview, previewOf } from "../../workflows/engine/preview.ts";
import { RECOVERIES, type RecoveryRequest } from "../../workflows/engine/recovery/request.ts";
import { initialRun } from "../../workflows/engine/run.ts";
import type { RunState, StepState } from "../../workflows/engine/state.ts";
import { isStepOver } from "../../workflows/engine/transitions.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";
import { runRow } from "../../workflows/engine/mirror/view.ts";

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
        const play = new Play(plan, completed);
        const left = [...all];
        for (const { verb, step, moves: some, reason, edits } of requests) {
          for (const move of left.splice(0, some)) play.move(move);
          const step_ref = plan.steps[step % plan.steps.length]?.step_ref ?? "";
          const step_payloads =
            edits > 7 && (verb.startsWith("retry") || verb === "replay-subtree")
              ? { [step_ref]: { text: `${step}` } }
              : undefined;
          const { child_run_id } = play.run.state.steps[plan.index.get(step_ref) as number] as StepState;
          const between = { child_run_id, life: edits, only_tell: edits === 2 };
          const request: RecoveryRequest = { verb, step_ref, reason, step_payloads, actor: "ada", ...between };
          let before = {} as RunState;
          let stored = plan;
          let preview = {} as ReturnType<typeof previewOf>;
          const id = play.recover(request, (run, mirrored, now) => {
            const { state } = run;
            before = plain(state);
            // A row has the payloads that the run has been given since, and by whom; a new run begins from that, and one that is opened again.
            const { payload, step_payloads, involved } = runRow(run);
            stored = { ...plan, run: { ...plan.run, payload, step_payloads, involved } };
            preview = previewOf(verb === "retry-run" ? stored : run.plan, state, request, now);
            assert.deepEqual(plain(state), before, "a dry run changes nothing");
            if (mirrored) assert.deepEqual(previewOf(stored, mirrored, request, now), preview);
          });
          const outcome = play.run.outcomes.get(id);
          if (preview.status === "refused") {
            if (verb !== "retry-run") assert.deepEqual(preview, pick(outcome));
            continue;
          }
          applied++;
          const planned = (preview as Preview).steps;
          const after = verb === "retry-run" ? retryOf(stored, before) : play.run.state;
          if (verb !== "retry-run") assert.equal(preview.reset_steps, outcome?.reset_steps ?? 0);
          assert.equal(preview.status_after, after.status);
          if (step_payloads && verb !== "retry-run")
            assert.deepEqual(runRow(play.run).step_payloads?.[step_ref], step_payloads[step_ref]);
          for (const [i, { status, status_after, actions, reason }] of planned.entries()) {
            const [was, is] = [before.steps[i], after.steps[i]] as [StepState, StepState];
            assert.deepEqual([status, status_after], [was.status, is.status]);
            assert(reason.length > 0);
            if (verb !== "retry-run") assert.deepEqual(actions, happened(was, is));
            else assert.equal(actions[0] === "kept", was.status === "completed");
          }
        }
        play.drain();
      }),
      { numRuns: 300 },
    );
    expect(applied).toBeGreaterThan(50);
  });
});

const pick = (outcome: CommandOutcome | undefined) => {
  assert(outcome);
  const { status, code, message, details } = outcome;
  return { status, code, message, ...(details && { details }) };
};

function retryOf(plan: Parameters<typeof initialRun>[0], source: RunState): RunState {
  const kept = plan.steps.flatMap(({ step_ref }, i) => {
    const { status, output } = source.steps[i] as StepState;
    return status === "completed" ? [{ step_ref, output }] : [];
  });
  const run = initialRun(plan, kept);
  advance(run, plan.run.created_at);
  return run.state;
}
