import { type Refusal, refused } from "../../command.ts";
import { isStepOver } from "../../transitions.ts";
import type { StepOf } from "../kind.ts";

/** Why nothing can be said to a gate. Undefined: it is open. */
export function notOpen({ definition: { step_ref }, step }: StepOf): Refusal | undefined {
  if (isStepOver(step.status)) return refused("invalid_state", `step ${step_ref} is already in terminal state`);
  if (step.approval?.status !== "pending") return refused("invalid_state", `approval not found for step ${step_ref}`);
  return undefined;
}
