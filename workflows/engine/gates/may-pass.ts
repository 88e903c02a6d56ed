import { exclusionOf, type Gate, hasRightTo, type Involved, type Opened, type Passer } from "./gate.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { RunState } from "../state.ts";
import { STEP_KINDS } from "../steps/index.ts";

/** Each approval that the step is, or holds: as its definition says it, or as it has opened. */
export const gatesIn = (step: PlanStep, opened?: Opened): Gate[] => STEP_KINDS[step.step_type].gates(step, opened);

/** An approval, or a sub-workflow with approvals in it: who passes that over passes them. */
export const isGate = (step: PlanStep | undefined): boolean => step !== undefined && gatesIn(step).length > 0;

/** Why somebody may not pass these gates. Undefined: they may. Whoever is excluded may not, whatever rights they have. */
export function passProblem(gates: PlanStep[], passer: Passer, involved: Involved): string | undefined {
  for (const step of gates) {
    for (const gate of gatesIn(step, involved.opened?.get(step.step_ref))) {
      const why = exclusionOf(gate, passer.actor, involved);
      if (why !== undefined) return `${passer.actor} may not pass step ${step.step_ref}: ${why}`;
      if (!hasRightTo(gate, passer)) return "insufficient permissions: requires approvals:override";
    }
  }
  return undefined;
}

/** Those who have a part in a run that is to be decided on. `but`: the gate that they decide now. */
export function involvedIn(
  plan: Plan,
  { steps, involved }: Pick<RunState, "steps" | "involved">,
  but?: number,
): Involved {
  const approved = new Set<string>();
  const opened = new Map<string, Opened>();
  for (const [i, { approval }] of steps.entries()) {
    if (i === but || !approval) continue;
    opened.set((plan.steps[i] as PlanStep).step_ref, approval);
    for (const { actor, decision } of approval.votes ?? []) if (decision === "approve") approved.add(actor);
    if (approval.status === "approved" && approval.approved_by) approved.add(approval.approved_by);
  }
  const { started = [], passed = [] } = involved ?? plan.run.involved ?? {};
  const own = but === undefined ? undefined : plan.steps[but]?.step_ref;
  for (const { step_ref, by } of passed) if (step_ref !== own) approved.add(by);
  return { started_by: [plan.run.created_by, plan.run.retried_by, ...started], approved, opened };
}
