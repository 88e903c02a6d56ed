import { type Gate, type Involved, mayPassGate, type Passer } from "./gate.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { RunState } from "../state.ts";
import { STEP_KINDS } from "../steps/index.ts";

/** Each approval that the step is, or holds. */
export const gatesIn = (step: PlanStep): Gate[] => STEP_KINDS[step.step_type].gates(step);

/** An approval, or a sub-workflow with approvals in it: who passes that over passes them. */
export const isGate = (step: PlanStep | undefined): boolean => step !== undefined && gatesIn(step).length > 0;

export const mayPass = (gates: PlanStep[], passer: Passer, involved: Involved): boolean =>
  gates.every((step) => gatesIn(step).every((gate) => mayPassGate(gate, passer, involved)));

/** Those who have a part in a run that is to be decided on. `but`: the gate that they decide now. */
export function involvedIn({ run }: Plan, { steps }: Pick<RunState, "steps">, but?: number): Involved {
  const approved = new Set<string>();
  for (const [i, { approval }] of steps.entries()) {
    if (i === but) continue;
    for (const { actor, decision } of approval?.votes ?? []) if (decision === "approve") approved.add(actor);
    if (approval?.status === "approved" && approval.approved_by) approved.add(approval.approved_by);
  }
  return { created_by: run.created_by, approved };
}
