import { gatesBefore } from "./left-out.ts";
import { isGate } from "./may-pass.ts";
import { mayTurnOut } from "./may-turn-out.ts";
import { before, indexesOf, swayedBy } from "./reach.ts";
import type { Plan, PlanStep } from "../plan.ts";
import { letsGoOn } from "../schedule.ts";
import type { RunState } from "../state.ts";
import { hasBegun } from "../transitions.ts";

/**
 * The approvals that a run passes by going on in another version of its workflow:
 * - one that was passed, before a step that is to run and is another one there: nobody was asked about that
 * - one that was not passed yet, and is another one there, no longer stands before what it held back, or may turn
 *   out otherwise for what is another one
 */
export function gatesMovedPast(
  plan: Plan,
  state: RunState,
  next: Plan,
  isReset: (step_ref: string) => boolean,
): PlanStep[] {
  const gates = indexesOf(plan.steps, isGate);
  if (gates.length === 0) return [];
  const was = (ref: string) => plan.steps[plan.index.get(ref) ?? -1];
  const isOther = (step: PlanStep) => !isSame(was(step.step_ref), step);
  const isToRun = ({ step_ref }: PlanStep) => {
    const step = state.steps[plan.index.get(step_ref) ?? -1];
    return !step || isReset(step_ref) || !hasBegun(step);
  };
  const toRun = next.steps.filter(isToRun);
  const others = toRun.filter(isOther);
  const indexesIn = ({ index }: Plan) => others.flatMap(({ step_ref }) => index.get(step_ref) ?? []);

  const behindThem = new Set([...before(plan, indexesIn(plan))].map((i) => plan.steps[i]?.step_ref));
  for (const i of before(next, indexesIn(next))) behindThem.add(next.steps[i]?.step_ref);
  const bits = new Map(gates.map((i, n) => [(plan.steps[i] as PlanStep).step_ref, 1n << BigInt(n)]));
  const [held, holds] = [gatesBefore(plan.steps, bits), gatesBefore(next.steps, bits)];
  let cutOff = 0n;
  for (const { step_ref } of toRun) cutOff |= (held.get(step_ref) ?? 0n) & ~(holds.get(step_ref) ?? 0n);
  const swayed = new Set([...swayedBy(next, indexesIn(next))].map((i) => next.steps[i]?.step_ref));

  const isPassed = (i: number, ref: string) => letsGoOn(plan, state, i) && !isReset(ref);
  return gates.flatMap((i) => {
    const gate = plan.steps[i] as PlanStep;
    const { step_ref } = gate;
    const isMovedPast = isPassed(i, step_ref)
      ? behindThem.has(step_ref)
      : !isSame(gate, next.steps[next.index.get(step_ref) ?? -1]) ||
        (cutOff & (bits.get(step_ref) ?? 0n)) !== 0n ||
        (mayTurnOut(gate, "steps", plan.run.rules ?? 0) && swayed.has(step_ref));
    return isMovedPast ? [gate] : [];
  });
}

/** Whether a step says the same in both versions, whatever it is stored as. */
function isSame(was: PlanStep | undefined, is: PlanStep | undefined): boolean {
  if (!was || !is) return false;
  const [some, others] = [said(was), said(is)];
  return [...new Set([...some.keys(), ...others.keys()])].every((field) => some.get(field) === others.get(field));
}

const said = ({ id: _, depends_on, ...step }: PlanStep): Map<string, string | undefined> =>
  new Map(
    Object.entries({ ...step, depends_on: [...depends_on].sort() }).map(([field, value]) => [
      field,
      JSON.stringify(value ?? undefined),
    ]),
  );
