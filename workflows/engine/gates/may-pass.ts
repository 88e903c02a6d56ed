import type { CommandPayload } from "../command.ts";
import type { PlanStep } from "../plan.ts";
import { isAmong } from "../steps/approval.ts";
import { STEP_KINDS } from "../steps/index.ts";

/** The approvers of each approval that the step is, or holds. */
export const gatesIn = (step: PlanStep): string[][] => STEP_KINDS[step.step_type].approvers(step);

/** An approval, or a sub-workflow with approvals in it: who passes that over passes them. */
export const isGate = (step: PlanStep | undefined): boolean => step !== undefined && gatesIn(step).length > 0;

/** Who asks to pass a gate: one of its approvers may, and whoever is allowed to override approvals. */
export type Passer = Pick<CommandPayload, "may_override"> & { actor: string };

const isApprover = (step: PlanStep, actor: string): boolean =>
  gatesIn(step).every((approvers) => isAmong(approvers, actor));

export const mayPass = (gates: PlanStep[], { actor, may_override }: Passer): boolean =>
  may_override === true || gates.every((gate) => isApprover(gate, actor));
