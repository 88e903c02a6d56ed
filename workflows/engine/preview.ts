import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import { advance } from "./advance.ts";
import { type CommandPayload, type Refusal, refused, type Verb } from "./command.ts";
import { applyCommand } from "./commands.ts";
import { evolve } from "./evolve.ts";
import type { Plan } from "./plan.ts";
import { recover } from "./recovery/apply.ts";
import { RECOVERIES, type RecoveryRequest, type RecoveryVerb } from "./recovery/request.ts";
import { type RecoveryIn, recoveryIn } from "./recovery/moved.ts";
import { isKeptByRetry, type Recovery } from "./recovery/rule.ts";
import { initialRun, restoredRun, type Run } from "./run.ts";
import { deadEndBefore } from "./schedule.ts";
import type { RunState, StepState } from "./state.ts";
import { hasBegun, isRunOver, isStepOver } from "./transitions.ts";

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

/** What a command would do, to every step in the order of the definition. Of a run retry, `after` is the new run. */
export interface Preview {
  status: RunStatus;
  status_after: RunStatus;
  reset_steps: number;
  steps: PlannedStep[];
}

/** A command to the run, its cancellation, or its retry as a new one. */
export type PreviewRequest = CommandPayload & { verb: Verb | RecoveryVerb | "cancel"; actor: string };

/** Plays the command on a copy, by the rules that the run itself goes on by. */
export function previewOf(plan: Plan, state: RunState, request: PreviewRequest, at: number): Preview | Refusal {
  if (!isRecovery(request)) return previewOfCommand(plan, state, request, at);
  const found = recoveryIn(plan, state, request);
  if ("status" in found) return found;
  const after = request.verb === "retry-run" ? retried(plan, state, request, at) : recovered(found, at);
  return previewed(found.plan, found.state, after, at, found.recovery);
}

/** Of a run that has not begun. */
export function previewOfStart(plan: Plan): Preview {
  return previewed(plan, initialRun(plan).state, initialRun(plan), plan.run.created_at);
}

const isRecovery = (request: PreviewRequest): request is RecoveryRequest =>
  (RECOVERIES as readonly string[]).includes(request.verb);

function previewOfCommand(plan: Plan, state: RunState, request: PreviewRequest, at: number): Preview | Refusal {
  const copy = copyOf(plan, state);
  if (request.verb === "cancel") {
    if (isRunOver(state.status)) return refused("invalid_state", "workflow run already in terminal state");
    evolve(copy, { type: "cancel_requested", at });
  } else {
    const command = { ...request, type: "command" as const, id: "dry run", verb: request.verb as Verb, at };
    const { status, code, message, details } = applyCommand(copy, command);
    if (status === "refused") return refused(code ?? "invalid_state", message ?? "refused", details);
  }
  return previewed(plan, state, copy, at);
}

function previewed(plan: Plan, before: RunState, after: Run, at: number, recovery?: Recovery): Preview {
  advance(after, at);
  return {
    status: before.status,
    status_after: after.state.status,
    reset_steps: recovery?.reset_steps ?? 0,
    steps: plan.steps.map(({ step_ref }, i) => {
      const was = before.steps[i] as StepState;
      const is = after.state.steps[i] as StepState;
      const change = recovery?.changes.get(i);
      const actions = actionsOf(was, is, change?.action === "reset");
      const reason = [change?.reason, reasonOf(plan, after.state, i, was, is, actions)].filter(Boolean).join("; ");
      return { step_ref, status: was.status, status_after: is.status, actions, reason };
    }),
  };
}

function retried(plan: Plan, state: RunState, { payload = plan.run.payload }: RecoveryRequest, at: number): Run {
  const kept = plan.steps.flatMap(({ step_ref }, i) => {
    const step = state.steps[i] as StepState;
    return isKeptByRetry(step) ? [{ step_ref, output: step.output, cause: step.cause }] : [];
  });
  return initialRun({ ...plan, run: { ...plan.run, payload, created_at: at } }, kept);
}

function recovered({ plan, state, recovery }: RecoveryIn, at: number): Run {
  const copy = copyOf(plan, state);
  recover(copy, recovery, at);
  return copy;
}

function copyOf(plan: Plan, state: RunState): Run {
  const copy = restoredRun(plan, JSON.parse(JSON.stringify({ ...state, commands: [] })) as RunState);
  copy.state.revision++;
  return copy;
}

const isOpen = (step: StepState): boolean => step.started_at !== undefined && !isStepOver(step.status);

function actionsOf(was: StepState, is: StepState, reset: boolean): Action[] {
  const actions: Action[] = [];
  if (reset && isOpen(was)) actions.push("canceled");
  if (reset) actions.push("reset");
  if (is.started_at !== undefined && (reset || !hasBegun(was))) actions.push("started");
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
  const bad = deadEndBefore(plan, after, i);
  return `cannot run after ${bad === undefined ? "what it depends on" : plan.steps[bad]?.step_ref}`;
}
