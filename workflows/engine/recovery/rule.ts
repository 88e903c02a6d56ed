import { isAttempt } from "../mirror/attempts.ts";
import { type CommandPayload, type Refusal, refused, unknownStep } from "../command.ts";
import type { Involvement } from "../gates/gate.ts";
import { involvementBy } from "../gates/involvement.ts";
import { involvedIn, passProblem, rightProblem } from "../gates/may-pass.ts";
import { gatesPassed } from "../gates/passed.ts";
import { gateTakenBack } from "../gates/taken-back.ts";
import { descendantsOf, type Plan, type PlanStep } from "../plan.ts";
import { isDeadEnd } from "../schedule.ts";
import type { RunState, StepState } from "../state.ts";
import { STEP_KINDS } from "../steps/index.ts";
import type { StepEnd } from "../steps/kind.ts";
import { ofStep } from "../steps/of-step.ts";
import { hasBegun, isRunOver, isStepOver } from "../transitions.ts";
import type { Change, RecoveryRequest } from "./request.ts";
import { quoted } from "../../expressions/printed.ts";

export interface Recovery {
  /** By index. A step that is not named is kept. */
  changes: Map<number, Change>;
  /** As the verb's answer counts them: without those that only go on because the run does. */
  reset_steps: number;
  /** What the run, and single steps of it, are given from now on in place of their payloads. */
  payloads?: Pick<CommandPayload, "payload" | "step_payloads">;
  involved?: Involvement;
  /** The run goes on in another version. */
  isMoved?: true;
}

/**
 * The one rule of recovery: what a request does to a run as it stands, or why it is refused. Nothing is
 * changed here; `recover` does exactly what this says, and a dry run shows it.
 */
export function recoveryOf(plan: Plan, state: RunState, request: RecoveryRequest): Recovery | Refusal {
  const recovery = ruleOf(plan, state, request);
  if ("status" in recovery) return recovery;
  const { payload, step_payloads } = request;
  for (const ref of Object.keys(step_payloads ?? {})) {
    const problem = payloadProblem(plan, state, recovery, ref);
    if (problem) return refused("validation_error", `step_payloads: ${problem}`);
  }
  let involved: Involvement | undefined;
  if (asksWho(plan, request)) {
    const { rules = 0 } = plan.run;
    const { passed, others, swayed } = gatesPassed(plan, state, request, recovery.changes);
    const involvedBy = (gates: PlanStep[]) =>
      involvementBy(
        plan,
        state,
        request,
        gates.map(({ step_ref }) => step_ref),
        recovery.changes,
      );
    involved = involvedBy([...passed, ...others]);
    const before = involvedIn(plan, state);
    // What the request itself does counts: who passes several gates at once has passed another one than each.
    const after = rules >= 4 ? involvedIn(plan, { ...state, involved: involvedBy(passed) }) : before;
    const takenBack = gateTakenBack(plan, request);
    const problem =
      passProblem(passed, request, after, rules) ??
      passProblem([...others, ...swayed], request, before, rules) ??
      (takenBack && rightProblem(takenBack, request, before));
    if (problem !== undefined) return refused("forbidden", problem);
  }
  const unfit = request.verb === "force-complete" ? forcedOtherwise(plan, state, request) : undefined;
  if (unfit) return unfit;
  return { ...recovery, involved, ...((payload || step_payloads) && { payloads: { payload, step_payloads } }) };
}

/**
 * Runs that began by rules 0 let anyone pass their gates, and their histories hold that. Commands say `may_override` only
 * since then.
 */
export const asksWho = ({ run }: Plan, { may_override }: RecoveryRequest): boolean =>
  (run.rules ?? 0) >= 1 || may_override !== undefined;

function forcedOtherwise(plan: Plan, state: RunState, request: RecoveryRequest): Refusal | undefined {
  const of =
    (plan.run.rules ?? 0) >= 3 ? ofStep({ plan, state }, plan.index.get(request.step_ref ?? "") ?? -1) : undefined;
  return of && STEP_KINDS[of.definition.step_type].forcedOtherwise?.(of, request);
}

/** A payload for a step that does not run again would have no effect, so it is refused. */
function payloadProblem(plan: Plan, state: RunState, { changes }: Recovery, ref: string): string | undefined {
  const i = plan.index.get(ref);
  const step = i === undefined ? undefined : state.steps[i];
  if (i === undefined || !step) return `unknown step_ref ${quoted(ref)}`;
  if (changes.get(i)?.action === "reset" || !hasBegun(step)) return undefined;
  return `step ${quoted(ref)} is ${step.status} and is not run again`;
}

function ruleOf(plan: Plan, state: RunState, request: RecoveryRequest): Recovery | Refusal {
  const { verb, step_ref = "", actor, reason } = request;
  if (verb === "retry-run") return runRetry(plan, state);
  if (verb === "reopen") return reopening(plan, state, request);
  if (verb === "adopt") return adoption(plan, state, request);
  const target = plan.index.get(step_ref);
  const step = target === undefined ? undefined : state.steps[target];
  if (target === undefined || !step) return unknownStep(verb, step_ref);
  /** In words that clients know; the details say how the step is, and when it could be done. */
  const notNow = (message: string, when: string) =>
    refused("invalid_state", message, [`step_ref: ${quoted(step_ref)} is ${step.status}: ${when}`]);
  switch (verb) {
    case "skip":
    case "force-complete": {
      if (step.status !== "pending" && step.status !== "waiting")
        return notNow(
          `cannot ${verb} step in ${step.status} status`,
          "only what is pending or waiting can be passed over",
        );
      const override = { actor, reason };
      const end: StepEnd =
        verb === "skip"
          ? { status: "skipped", error: reason, cause: "operator", override }
          : { status: "completed", output: request.result, cause: "operator", override };
      const change: Change = { action: "ended", end, reason: verb === "skip" ? "is skipped" : "is force-completed" };
      return { changes: new Map([[target, change]]), reset_steps: 0 };
    }
    case "retry": {
      if (!isStepOver(step.status))
        return notNow("step run must be terminal to retry", "only what is over can be retried");
      const lost = descendantsOf(plan, target).filter((i) => isLost(state.steps[i]));
      const why = `did not run because of how ${step_ref} ended`;
      const found = resetOf(plan, state, target, lost, "is retried", why);
      return withChildren(plan, state, found, request, [...found.changes.keys()]);
    }
    case "replay-subtree": {
      if (!isStepOver(step.status) && state.status !== "paused")
        return notNow(
          "step run must be terminal to replay",
          "what is not over can be replayed while the run is paused",
        );
      const subtree = descendantsOf(plan, target);
      const found = resetOf(plan, state, target, subtree, "is replayed", `comes after ${step_ref}`);
      const replayed = new Set([target, ...subtree]);
      const resumed = [...found.changes.keys()].filter((i) => !replayed.has(i));
      return withChildren(plan, state, found, request, resumed);
    }
  }
}

/** A completed step is copied into the run that retries another one, with its output; every other step starts afresh. */
export const isKeptByRetry = ({ status }: Pick<StepState, "status">): boolean => status === "completed";

function runRetry(plan: Plan, state: RunState): Recovery | Refusal {
  if (!isRunOver(state.status)) return refused("invalid_state", "can only retry a workflow run in terminal state");
  const changes = new Map<number, Change>();
  for (const [i, step] of state.steps.entries())
    if (!isKeptByRetry(step)) changes.set(i, resetTo(plan, state, i, false, `was ${step.status}, not completed`));
  return { changes, reset_steps: changes.size };
}

/** What failed in a sub-workflow, and what did not happen because of it. It tells its parent of its end in any case. */
function reopening(plan: Plan, state: RunState, request: RecoveryRequest): Recovery | Refusal {
  const changes = new Map<number, Change>();
  if (request.only_tell) return { changes, reset_steps: 0 };
  if (!isRunOver(state.status)) return refused("conflict", "workflow run is not over");
  for (const [i, { status }] of state.steps.entries())
    if (isDeadEnd(plan, state, i)) changes.set(i, resetTo(plan, state, i, false, `was ${status}`));
  if (changes.size === 0) return refused("conflict", "nothing of the workflow run is to run again");
  return withChildren(plan, state, { changes, reset_steps: changes.size }, request, [...changes.keys()]);
}

/** A sub-workflow runs again, and with it the step that it belongs to, as in a retry. */
function adoption(plan: Plan, state: RunState, request: RecoveryRequest): Recovery | Refusal {
  const target = state.steps.findIndex((step) => step.child_run_id === request.child_run_id && hasChild(step));
  const step = state.steps[target];
  if (!request.child_run_id || !step || !isStepOver(step.status))
    return refused("conflict", "no step that is over belongs to this sub-workflow run");
  const step_ref = plan.steps[target]?.step_ref;
  const lost = descendantsOf(plan, target).filter((i) => isLost(state.steps[i]));
  const why = `did not run because of how ${step_ref} ended`;
  const found = resetOf(plan, state, target, lost, "its sub-workflow run runs again", why);
  const recovery = withChildren(plan, state, found, request, [...found.changes.keys()]);
  const change = recovery.changes.get(target);
  if (change?.action === "reset") change.child = "adopted";
  return recovery;
}

/** Of these steps, the sub-workflows that began and did not complete go on where they failed, unless they are to get other payloads. */
function withChildren(
  plan: Plan,
  state: RunState,
  recovery: Recovery,
  request: RecoveryRequest,
  steps: number[],
): Recovery {
  if (request.payload) return recovery;
  for (const i of steps) {
    if (Object.hasOwn(request.step_payloads ?? {}, plan.steps[i]?.step_ref ?? "")) continue;
    const step = state.steps[i] as StepState;
    const change = recovery.changes.get(i);
    if (change?.action !== "reset" || !hasChild(step) || (step.status !== "failed" && step.status !== "canceled"))
      continue;
    change.child = "reopened";
    change.reason += "; its sub-workflow run is opened again";
  }
  return recovery;
}

const hasChild = ({ child_started, child }: StepState): boolean => child_started === true || child !== undefined;

const isLost = (step: StepState | undefined): boolean => step?.status === "skipped" || step?.status === "canceled";

function resetOf(plan: Plan, state: RunState, target: number, others: number[], why: string, whyOthers: string) {
  const changes = new Map([[target, resetTo(plan, state, target, true, why)]]);
  for (const i of others) changes.set(i, resetTo(plan, state, i, false, whyOthers));
  const reset_steps = changes.size;
  // A run that is over canceled what had not ended, wherever it stood: opened again, it goes on there too. Otherwise
  // a join of the subtree with such a sibling could never run, and the run would never end.
  if (isRunOver(state.status)) {
    for (const [i, { status }] of state.steps.entries()) {
      if (status === "canceled" && !changes.has(i))
        changes.set(i, resetTo(plan, state, i, false, "was canceled by the end of the run, which goes on"));
    }
  }
  return { changes, reset_steps };
}

function resetTo(plan: Plan, state: RunState, i: number, isTarget: boolean, reason: string): Change {
  const as = isTarget || plan.dependencies[i]?.length === 0 ? "pending" : "waiting";
  return { action: "reset", as, counted: isTarget || isAttempt(state.steps[i] as StepState), reason };
}
