import { exclusionOf, type Gate, hasRightTo, type Involved, type Opened, type Passer } from "./gate.ts";
import { type Plan, type PlanStep, RULES } from "../plan.ts";
import type { ApprovalState, RunState } from "../state.ts";
import { STEP_KINDS } from "../steps/index.ts";

/** Each approval that the step is, or holds: as its definition says it, or as it has opened. */
export const gatesIn = (step: PlanStep, opened?: Opened): Gate[] => STEP_KINDS[step.step_type].gates(step, opened);

/** An approval, or a sub-workflow with approvals in it: who passes that over passes them. */
export const isGate = (step: PlanStep | undefined): boolean => step !== undefined && gatesIn(step).length > 0;

/**
 * Why somebody may not pass these gates. Undefined: they may. Whoever is excluded may not, whatever rights they have. By rules
 * before 4, who had approved a gate was excluded from passing it as if it were another one.
 */
export function passProblem(
  gates: PlanStep[],
  passer: Passer,
  involved: Involved,
  rules: number | undefined = RULES,
): string | undefined {
  for (const step of gates) {
    const { step_ref } = step;
    for (const gate of gatesIn(step, involved.opened?.get(step_ref))) {
      const why = exclusionOf(gate, passer.actor, involved, rules >= 4 ? step_ref : undefined);
      if (why !== undefined) return `${passer.actor} may not pass step ${step_ref}: ${why}`;
    }
    const problem = rightProblem(step, passer, involved);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Why somebody has no right to a gate, whether it excludes them or not. */
export const rightProblem = (step: PlanStep, passer: Passer, { opened }: Involved): string | undefined =>
  gatesIn(step, opened?.get(step.step_ref)).every((gate) => hasRightTo(gate, passer))
    ? undefined
    : "insufficient permissions: requires approvals:override";

/** Those who have a part in a run that is to be decided on. */
export function involvedIn(plan: Plan, { steps, involved }: Pick<RunState, "steps" | "involved">): Involved {
  const approved = new Map<string, Set<string>>();
  const add = (by: string, step_ref: string) => approved.set(by, (approved.get(by) ?? new Set()).add(step_ref));
  const opened = new Map<string, Opened>();
  for (const [i, { approval }] of steps.entries()) {
    if (!approval) continue;
    const { step_ref } = plan.steps[i] as PlanStep;
    opened.set(step_ref, approval);
    for (const by of approversOf(approval)) add(by, step_ref);
  }
  const { started = [], passed = [] } = involved ?? plan.run.involved ?? {};
  for (const { step_ref, by } of passed) add(by, step_ref);
  return { started_by: [plan.run.created_by, plan.run.retried_by, ...started], approved, opened };
}

/** Who has approved a gate, or has a vote for it while it is not decided. */
export function approversOf({ status, approved_by, votes = [] }: ApprovalState): string[] {
  const voters = votes.flatMap(({ actor, decision }) => (decision === "approve" ? [actor] : []));
  return status === "approved" && approved_by ? [...voters, approved_by] : voters;
}
