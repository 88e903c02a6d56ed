import { isGate, gatesIn } from "./may-pass.ts";
import { type PlanStep, RULES } from "../plan.ts";

/** `{{run-lead}}` is a member of the payload, and `{{run.created_by}}` is not. By rules before 8 neither was taken for one. */
const READS_PAYLOAD = /\{\{(?!\s*run(?![\p{L}\p{M}\p{Nd}_$:-]))/u;
const READ_PAYLOAD = /\{\{(?!\s*run\b)/;
const READS_STEPS = /\{\{\s*(?:parent_)?outputs\b/;

/**
 * Whether a gate may come to ask nobody, or others, for what changes before it: by its condition, or by references to its
 * approvers. Be it decided or not: what is changed stays, and counts once the gate is asked again.
 */
export function mayTurnOut(
  step: PlanStep | undefined,
  by: "payload" | "steps",
  rules: number | undefined = RULES,
): boolean {
  if (!step || !isGate(step)) return false;
  if (step.condition !== undefined) return true;
  // A sub-workflow is given what it is given by the steps before it, too.
  const readsPayload = rules >= 8 ? READS_PAYLOAD : READ_PAYLOAD;
  const reads = by === "payload" || step.gates_within !== undefined ? readsPayload : READS_STEPS;
  return gatesIn(step).some(({ approvers }) => approvers.some((approver) => reads.test(approver)));
}
