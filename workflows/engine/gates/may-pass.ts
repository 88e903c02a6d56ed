import type { CommandPayload } from "../command.ts";
import type { PlanStep } from "../plan.ts";

/** An approval, or a sub-workflow with approvals in it: who passes that over passes them. */
export const isGate = (step: PlanStep | undefined): boolean =>
  step?.step_type === "approval" || (step?.gates_within ?? []).length > 0;

/** The approvers of each approval that the step is, or holds. */
export const gatesIn = ({ step_type, approval_approvers = [], gates_within = [] }: PlanStep): string[][] =>
  step_type === "approval" ? [approval_approvers] : gates_within;

/** Who asks to pass a gate: one of its approvers may, and whoever is allowed to override approvals. */
export type Passer = Pick<CommandPayload, "may_override"> & { actor: string };

/** An approval without approvers is anyone's. */
export const isApprover = (step: PlanStep, actor: string): boolean =>
  gatesIn(step).every((approvers) => approvers.length === 0 || approvers.includes(actor));

export const mayPass = (gates: PlanStep[], { actor, may_override }: Passer): boolean =>
  may_override === true || gates.every((gate) => isApprover(gate, actor));
