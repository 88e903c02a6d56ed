import { Problem } from "../../errors.ts";
import { type Caller, senderOf } from "../../identity/caller.ts";
import type { Involved } from "../../../workflows/engine/gates/gate.ts";
import { passProblem } from "../../../workflows/engine/gates/may-pass.ts";
import type { PlanStep } from "../../../workflows/engine/plan.ts";

/** Of gates that a new run leaves out. */
export function assertMayPass(gates: PlanStep[], caller: Caller, involved: Involved): void {
  const problem = passProblem(gates, senderOf(caller), involved);
  if (problem !== undefined) throw new Problem("forbidden", problem);
}
