import { isGate } from "./may-pass.ts";
import { mayTurnOut } from "./may-turn-out.ts";
import { before, indexesOf, swayedBy } from "./reach.ts";
import { gateTakenBack, isPassedByDecisionsOnly } from "./taken-back.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { Change, RecoveryRequest } from "../recovery/request.ts";
import { letsGoOn } from "../schedule.ts";
import type { RunState } from "../state.ts";
import { hasBegun } from "../transitions.ts";

/**
 * The approvals that a recovery passes, or repeats something behind without asking again:
 * - a skip or force-complete passes the step itself and every undecided gate before it, since what comes after goes on;
 *   also a gate that may turn out otherwise for it
 * - a retry or replay of a gate that, asked again, may let go on what nobody decided
 * - a decision stands for what has not completed yet: a retry of that asks nobody. What completed is repeated, and a
 *   replay around a gate repeats, whatever had become of it
 * - other payloads than those that were decided on, or those that say whether a gate asks, and whom
 * A gate that is reset asks again, and so is not passed.
 */
export function gatesPassed(
  plan: Plan,
  state: RunState,
  request: RecoveryRequest,
  changes: ReadonlyMap<number, Change>,
): PlanStep[] {
  const gates = indexesOf(plan.steps, isGate);
  if (gates.length === 0) return [];
  const { verb, step_ref = "", payload, step_payloads = {} } = request;
  const target = plan.index.get(step_ref) ?? -1;
  const isReset = (i: number) => changes.get(i)?.action === "reset";
  const lets = (i: number) => letsGoOn(plan, state, i) && !isReset(i);
  const passed = new Set<number>();
  const add = (steps: Iterable<number>, which: (gate: number) => boolean) => {
    for (const i of steps) if (isGate(plan.steps[i]) && which(i)) passed.add(i);
  };
  const isUndecided = (gate: number) => !lets(gate);
  const isSwayed = (gate: number) => mayTurnOut(plan.steps[gate], "steps");

  if (verb === "skip" || verb === "force-complete") {
    add([target, ...before(plan, [target])], isUndecided);
    add(swayedBy(plan, [target]), isSwayed);
  }
  const takenBack = gateTakenBack(plan, request);
  if (takenBack && !isPassedByDecisionsOnly(plan, takenBack)) passed.add(target);
  if (verb === "retry" || verb === "replay-subtree") {
    const repeated = [...changes.keys()].filter((i) => isReset(i) && statusOf(state, i) === "completed");
    if (verb === "replay-subtree") repeated.push(target);
    add(before(plan, repeated), lets);
  }
  const given = Object.keys(step_payloads).map((ref) => plan.index.get(ref) ?? -1);
  if (payload) given.push(...indexesOf(state.steps, (step, i) => isReset(i) || !hasBegun(step)));
  if (given.length > 0) {
    add(before(plan, given), lets);
    add(swayedBy(plan, given), isSwayed);
    // What a sub-workflow is given says whom its gates ask.
    add(given, (i) => plan.steps[i]?.gates_within !== undefined && isSwayed(i));
  }
  if (payload) add(gates, (i) => mayTurnOut(plan.steps[i], "payload"));
  return gates.filter((i) => passed.has(i)).map((i) => plan.steps[i] as PlanStep);
}

const statusOf = (state: RunState, i: number) => state.steps[i]?.status ?? "pending";
