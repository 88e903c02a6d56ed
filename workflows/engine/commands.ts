import type { CommandOutcome } from "./command.ts";
import { completeStep, endStep } from "./ending.ts";
import type { Command } from "./events.ts";
import { isApprover } from "./gates/may-pass.ts";
import { recover } from "./recovery/apply.ts";
import { recoveryOf, refused, unknownStep } from "./recovery/rule.ts";
import type { Run } from "./run.ts";
import type { StepState } from "./state.ts";
import { isRunOver, isStepOver } from "./transitions.ts";

type Verdict = Pick<CommandOutcome, "status" | "code" | "message" | "reset_steps">;

const APPLIED: Verdict = { status: "applied" };

type At = { at: number };
type StepCommand = Command & At & { step_ref: string };

/** Applies a command, or says why not, in words that clients know. A refused command changes nothing. */
export function applyCommand(run: Run, command: Command & At): Verdict {
  const { state } = run;
  switch (command.verb) {
    case "pause":
      if (isRunOver(state.status)) return refused("invalid_state", "workflow run already in terminal state");
      if (state.status === "pending")
        return refused("invalid_state", "workflow run can only be paused from running state");
      state.status = "paused";
      return APPLIED;
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
      if (command.verb === "reopen") state.life = command.life;
      const wasOver = isRunOver(state.status);
      const recovery = recoveryOf(run.plan, state, { ...command, verb: command.verb });
      if ("status" in recovery) return recovery;
      recover(run, recovery, command.at);
      // Whoever reopened it as its parent knows.
      const isChild = run.plan.run.parent_workflow_run_id !== undefined;
      if (isChild && wasOver && !isRunOver(state.status) && command.verb !== "reopen") state.returning = true;
      return { ...APPLIED, ...(recovery.reset_steps > 0 && { reset_steps: recovery.reset_steps }) };
    }
  }
  const { step_ref = "" } = command;
  const i = run.plan.index.get(step_ref);
  const step = i === undefined ? undefined : state.steps[i];
  if (i === undefined || !step) return refused("not_found", unknownStep(command.verb));
  return GATE_COMMANDS[command.verb](run, i, step, { ...command, step_ref });
}

type GateVerb = "approve" | "reject" | "send-event" | "cancel-event";

const GATE_COMMANDS: Record<GateVerb, (run: Run, i: number, step: StepState, command: StepCommand) => Verdict> = {
  approve: (run, i, step, { actor, at, result, step_ref }) => {
    const problem = approvalProblem(run, i, step, actor, step_ref);
    if (problem) return problem;
    completeStep(run, i, result, at, ({ approval, trigger }) => {
      if (approval) Object.assign(approval, { status: "approved", approved_by: actor, approved_at: at });
      if (trigger)
        Object.assign(trigger, { status: "received", received_at: at, sent_by: actor, response_payload: result });
    });
    return APPLIED;
  },

  reject: (run, i, step, { actor, at, reason, step_ref }) => {
    const problem = approvalProblem(run, i, step, actor, step_ref);
    if (problem) return problem;
    const error = reason ? `approval rejected by ${actor}: ${reason}` : `approval rejected by ${actor}`;
    const gate = ({ approval }: StepState) => {
      if (approval) Object.assign(approval, { status: "rejected", approved_by: actor, error: reason });
    };
    endStep(run, i, { status: "failed", error, gate }, at);
    return APPLIED;
  },

  "send-event": (run, i, step, { actor, at, result, event_key = step.trigger?.event_key }) => {
    if (!isWaitingForEvent(run, i, step, event_key))
      return refused("conflict", "event trigger is not in waiting state");
    const received = { status: "received", event_key, received_at: at, sent_by: actor, response_payload: result };
    completeStep(run, i, result, at, ({ trigger }) => {
      if (trigger) Object.assign(trigger, received);
    });
    return APPLIED;
  },

  "cancel-event": (run, i, step, { at, event_key = step.trigger?.event_key }) => {
    if (!isWaitingForEvent(run, i, step, event_key))
      return refused("conflict", "event trigger is not in waiting state");
    const gate = ({ trigger }: StepState) => {
      if (trigger) Object.assign(trigger, { status: "canceled", event_key, error: "canceled by user" });
    };
    endStep(run, i, { status: "failed", error: "event trigger canceled by user", gate }, at);
    return APPLIED;
  },
};

function isWaitingForEvent(run: Run, i: number, { status, trigger }: StepState, event_key?: string): boolean {
  if (run.plan.steps[i]?.step_type !== "wait_for_event" || status !== "waiting") return false;
  // Whoever knows the key may have it from an earlier life of the step, or before the run itself has heard of it.
  const isItsKey = event_key === undefined || trigger?.event_key === undefined || trigger.event_key === event_key;
  return trigger?.status === "waiting" && isItsKey;
}

function approvalProblem(run: Run, i: number, step: StepState, actor: string, ref: string): Verdict | undefined {
  if (isStepOver(step.status)) return refused("invalid_state", `step ${ref} is already in terminal state`);
  if (step.approval?.status !== "pending") return refused("invalid_state", `approval not found for step ${ref}`);
  const gate = run.plan.steps[i];
  if (gate && !isApprover(gate, actor))
    return refused("approver_not_allowed", `approver ${actor} is not allowed for step ${ref}`);
  return undefined;
}
