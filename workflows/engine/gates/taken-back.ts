import { isGate } from "./may-pass.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { RecoveryRequest } from "../recovery/request.ts";

/**
 * The gate whose decision a retry or replay of the gate itself takes back. Others ask again where that runs what comes before
 * them again; a sub-workflow that runs again asks again, too.
 */
export function gateTakenBack(plan: Plan, { verb, step_ref = "" }: RecoveryRequest): PlanStep | undefined {
  if (verb !== "retry" && verb !== "replay-subtree") return undefined;
  const step = plan.steps[plan.index.get(step_ref) ?? -1];
  return step && isGate(step) && step.gates_within === undefined ? step : undefined;
}

/**
 * Whether the gate, asked again, lets nothing go on that nobody decided. Who has such a one ask again passes nothing, and need
 * not be one who may. By rules before 4 it was passed by that in any case.
 */
export function isPassedByDecisionsOnly({ run }: Plan, step: PlanStep): boolean {
  const { condition, on_failure, approval_on_timeout: then } = step;
  return (
    (run.rules ?? 0) >= 4 &&
    condition === undefined &&
    on_failure !== "continue" &&
    then !== "approve" &&
    then !== "skip"
  );
}
