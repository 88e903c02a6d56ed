import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import { goOn } from "./advance.ts";
import type { Plan } from "./plan.ts";
import { recover } from "./recovery/apply.ts";
import { isKeptByRetry, type Recovery, recoveryOf, type RecoveryRequest, type Refusal } from "./recovery/rule.ts";
import { initialRun, restoredRun, type Run } from "./run.ts";
import { isDeadEnd } from "./schedule.ts";
import type { RunState, StepState } from "./state.ts";
import { isStepOver } from "./transitions.ts";

/** `started`: at once. A step may be canceled, reset and started by one recovery, in this order. */
export type Action = "kept" | "canceled" | "reset" | "started" | "ended";

export interface PlannedStep {
  step_ref: string;
  status: StepStatus;
  /** Where it stands once the run has gone as far as it can by itself. */
  status_after: StepStatus;
  actions: Action[];
  reason: string;
}

/** What a recovery would do, to every step in the order of the definition. Of a run retry, `after` is the new run. */
export interface Preview {
  status: RunStatus;
  status_after: RunStatus;
  reset_steps: number;
  steps: PlannedStep[];
}

/** Plays the recovery on a copy, by the rules that the run itself goes on by. */
export function previewOf(plan: Plan, state: RunState, request: RecoveryRequest, at: number): Preview | Refusal {
  const recovery = recoveryOf(plan, state, request);
  if ("status" in recovery) return recovery;
  const after = request.verb === "retry-run" ? retried(plan, state, at) : recovered(plan, state, recovery, at);
  goOn(after, at);
  return {
    status: state.status,
    status_after: after.state.status,
    reset_steps: recovery.reset_steps,
    steps: plan.steps.map(({ step_ref }, i) => {
      const was = state.steps[i] as StepState;
      const is = after.state.steps[i] as StepState;
      const change = recovery.changes.get(i);
      const actions = actionsOf(was, is, change?.action === "reset");
      const reason = [change?.reason, reasonOf(plan, after.state, i, was, is, actions)].filter(Boolean).join("; ");
      return { step_ref, status: was.status, status_after: is.status, actions, reason };
    }),
  };
}

function retried(plan: Plan, state: RunState, at: number): Run {
  const kept = plan.steps.filter((_, i) => isKeptByRetry(state.steps[i] as StepState));
  return initialRun(
    { ...plan, run: { ...plan.run, created_at: at } },
    kept.map(({ step_ref }) => ({ step_ref })),
  );
}

function recovered(plan: Plan, state: RunState, recovery: Recovery, at: number): Run {
  const copy = restoredRun(plan, JSON.parse(JSON.stringify({ ...state, commands: [] })) as RunState);
  copy.state.revision++;
  recover(copy, recovery, at);
  return copy;
}

const isOpen = (step: StepState): boolean => step.started_at !== undefined && !isStepOver(step.status);
const isUnstarted = (step: StepState): boolean => step.started_at === undefined && !isStepOver(step.status);

function actionsOf(was: StepState, is: StepState, reset: boolean): Action[] {
  const actions: Action[] = [];
  if (reset && isOpen(was)) actions.push("canceled");
  if (reset) actions.push("reset");
  if (is.started_at !== undefined && (reset || isUnstarted(was))) actions.push("started");
  if (isStepOver(is.status) && (reset || !isStepOver(was.status)))
    actions.push(is.status === "canceled" ? "canceled" : "ended");
  return actions.length > 0 ? actions : ["kept"];
}

/** What follows for a step from all that happens, besides what the recovery itself says of it. */
function reasonOf(plan: Plan, after: RunState, i: number, was: StepState, is: StepState, actions: Action[]): string {
  const last = actions.at(-1);
  if (last === "kept") {
    if (isStepOver(was.status)) return `stays ${was.status}`;
    return isOpen(was) ? "goes on" : "has not started, and cannot yet";
  }
  if (last === "started") return "can start at once";
  if (last === "canceled") return "ends with the run";
  if (last === "reset") return after.status === "paused" ? "the run is paused" : "has to wait until it can start";
  if (is.cause === "condition") return "its condition does not hold";
  if (is.cause === "operator") return "";
  if (is.cause !== "dependency") return is.error ?? `is ${is.status}`;
  const bad = plan.dependencies[i]?.find((p) => isDeadEnd(plan, after, p));
  return `cannot run after ${bad === undefined ? "what it depends on" : plan.steps[bad]?.step_ref}`;
}
