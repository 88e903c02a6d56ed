import { isGate } from "./may-pass.ts";
import { mayTurnOut } from "./may-turn-out.ts";
import { before, indexesOf, swayedBy } from "./reach.ts";
import { gateTakenBack, isPassedByDecisionsOnly } from "./taken-back.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { Change, RecoveryRequest } from "../recovery/request.ts";
import { reached } from "../reached.ts";
import { letsGoOn } from "../schedule.ts";
import type { RunState } from "../state.ts";
import { hasBegun } from "../transitions.ts";

/**
 * The approvals that a recovery passes, or repeats something behind without asking again:
 * - a skip or force-complete passes the step itself and every undecided gate before it, since what comes after goes on;
 * - a retry or replay of a gate that, asked again, may let go on what nobody decided
 * - a decision stands for what has not completed yet: a retry of that asks nobody. What completed is repeated, and a
 *   replay around a gate repeats, whatever had become of it
 * - other payloads than those that were decided on
 * A gate that is reset asks again, and so is not passed. `others`: undecided, but somebody let
 * pass already what they held back. `swayed`: those that may come to ask nobody, or others, for it.
 */
export function gatesPassed(
  plan: Plan,
  state: RunState,
  request: RecoveryRequest,
  changes: ReadonlyMap<number, Change>,
): Record<"passed" | "others" | "swayed", PlanStep[]> {
  const gates = indexesOf(plan.steps, isGate);
  if (gates.length === 0) return { passed: [], others: [], swayed: [] };
  const { verb, step_ref = "", payload, step_payloads = {} } = request;
  const target = plan.index.get(step_ref) ?? -1;
  const isReset = (i: number) => changes.get(i)?.action === "reset";
  const lets = (i: number) => letsGoOn(plan, state, i) && !isReset(i);
  const [passed, others, swayed] = [new Set<number>(), new Set<number>(), new Set<number>()];
  const add = (steps: Iterable<number>, which: (gate: number) => boolean, to = passed) => {
    for (const i of steps) if (isGate(plan.steps[i]) && which(i)) to.add(i);
  };
  const isUndecided = (gate: number) => !lets(gate);
  const isSwayed = (gate: number) => mayTurnOut(plan.steps[gate], "steps", plan.run.rules ?? 0);

  if (verb === "skip" || verb === "force-complete") {
    // Of the steps between, those that let go on were let pass before.
    const held = reached([target], (i) => (plan.dependencies[i] ?? []).filter(isUndecided));
    add([target, ...held], isUndecided);
    add(before(plan, [target]), (i) => isUndecided(i) && !passed.has(i), others);
    add(swayedBy(plan, [target]), isSwayed, swayed);
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
    add(swayedBy(plan, given), isSwayed, swayed);
    // What a sub-workflow is given says whom its gates ask.
    add(given, (i) => plan.steps[i]?.gates_within !== undefined && isSwayed(i), swayed);
  }
  if (payload) add(gates, (i) => mayTurnOut(plan.steps[i], "payload", plan.run.rules ?? 0), swayed);
  const of = (some: ReadonlySet<number>) => gates.filter((i) => some.has(i)).map((i) => plan.steps[i] as PlanStep);
  return { passed: of(passed), others: of(others), swayed: of(swayed) };
}

const statusOf = (state: RunState, i: number) => state.steps[i]?.status ?? "pending";
