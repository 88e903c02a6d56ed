import type { CommandPayload } from "../command.ts";
import type { PlanStep } from "../plan.ts";

export const isGate = (step: PlanStep | undefined): boolean => step?.step_type === "approval";

/** Who asks to pass a gate: one of its approvers may, and whoever is allowed to override approvals. */
export type Passer = Pick<CommandPayload, "may_override"> & { actor: string };

/** An approval without approvers is anyone's. */
export const isApprover = ({ approval_approvers: approvers = [] }: PlanStep, actor: string): boolean =>
  approvers.length === 0 || approvers.includes(actor);

export const mayPass = (gates: PlanStep[], { actor, may_override }: Passer): boolean =>
  may_override === true || gates.every((gate) => isApprover(gate, actor));
