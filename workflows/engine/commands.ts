import { type CommandOutcome, refused, unknownStep } from "./command.ts";
import { endStep, touch } from "./ending.ts";
import type { Command } from "./events.ts";
import { involvedIn } from "./gates/may-pass.ts";
import { recover } from "./recovery/apply.ts";
import { move, recoveryIn } from "./recovery/moved.ts";
import { tellEnd } from "./reasons/tell.ts";
import type { Run } from "./run.ts";
import { STEP_COMMANDS } from "./steps/index.ts";
import { isRunOver } from "./transitions.ts";
import { ofStep } from "./steps/of-step.ts";

type Verdict = Pick<CommandOutcome, "status" | "code" | "message" | "details" | "reset_steps" | "reason" | "is_news">;

const APPLIED: Verdict = { status: "applied" };

/** Applies a command, or says why not, in words that clients know. A refused command changes nothing. */
export function applyCommand(run: Run, command: Command & { at: number }): Verdict {
  const { plan, state } = run;
  const { verb, step_ref = "", actor, at, odd } = command;
  const { rules = 0 } = plan.run;
  if (odd?.[0] !== undefined && rules >= 6) return refused("validation_error", odd[0], odd);
  switch (verb) {
    case "pause":
      if (isRunOver(state.status)) return refused("invalid_state", "workflow run already in terminal state");
      if (state.status === "pending")
        return refused("invalid_state", "workflow run can only be paused from running state");
      return pause(run, command.reason);
    case "resume":
      if (state.status !== "paused") return refused("invalid_state", "workflow run is not paused");
      state.status = "running";
      return APPLIED;
    case "skip":
    case "force-complete":
    case "retry":
    case "replay-subtree":
    case "reopen":
    case "adopt": {
      if (verb === "reopen") state.life = command.life;
      const wasOver = isRunOver(state.status);
      const found = recoveryIn(plan, state, { ...command, verb });
      if ("status" in found) return found;
      const { recovery } = found;
      move(run, found);
      recover(run, recovery, at);
      if (verb === "skip" || verb === "force-complete")
        tellEnd(run, plan.index.get(step_ref) ?? -1, { reason: verb, by: actor, comment: command.reason }, at);
      // A parent that reopened the run itself knows.
      const isChild = plan.run.parent_workflow_run_id !== undefined;
      if (isChild && wasOver && !isRunOver(state.status) && verb !== "reopen") state.returning = true;
      return { ...APPLIED, ...(recovery.reset_steps > 0 && { reset_steps: recovery.reset_steps }) };
    }
    default: {
      const i = plan.index.get(step_ref) ?? -1;
      const of = ofStep(run, i);
      if (!of) return unknownStep(verb, step_ref);
      const end = STEP_COMMANDS[verb](of, command, () => involvedIn(plan, state));
      if (end.status === "refused") return end;
      if (end.status === "changed") touch(run, i, end.gate);
      else endStep(run, i, end, at);
      return APPLIED;
    }
  }
}

/** Of a run that is paused already, one that gives no reason says nothing new: it stays paused by whom it was, for their reason. */
function pause({ plan: { run }, state }: Run, reason = ""): Verdict {
  const is_news = reason !== "" || state.status !== "paused" || (run.rules ?? 0) < 6;
  state.status = "paused";
  return { ...APPLIED, ...(reason !== "" && { reason }), ...(!is_news && { is_news }) };
}
