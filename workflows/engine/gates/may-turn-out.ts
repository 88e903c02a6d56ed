import { storedGate, type StoredGate } from "./gate.ts";
import { isGate, gatesIn } from "./may-pass.ts";
import { indexesOf } from "./reach.ts";
import { graphOf, type PlanStep, RULES } from "../plan.ts";
import { reached } from "../reached.ts";

/** `{{run-lead}}` is a member of the payload, and `{{run.created_by}}` is not. By rules before 8 neither was taken for one. */
const READS_PAYLOAD = /\{\{(?!\s*run(?![\p{L}\p{M}\p{Nd}_$:-]))/u;
const READ_PAYLOAD = /\{\{(?!\s*run\b)/;
const READS_STEPS = /\{\{\s*(?:parent_)?outputs\b/;

/**
 * Whether a gate may come to ask nobody, or others, for what changes before it: by its condition, or by references to its
 * approvers; since rules 8 also where it goes on though it could not be asked. Be it decided or not: what is changed stays, and
 * counts once the gate is asked again.
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
  const gates = gatesIn(step);
  if (gates.some(({ approvers }) => approvers.some((approver) => reads.test(approver)))) return true;
  return rules >= 8 && (gates.some(({ may_pass }) => may_pass) || goesOnUnasked(step, reads));
}

/** Whether it goes on after a failure, and may fail for what it shows, or is given. */
function goesOnUnasked(step: PlanStep, reads: RegExp): boolean {
  const { on_failure, gates_within, approval_title = "", approval_text = "", approval_links = [] } = step;
  if (on_failure !== "continue") return false;
  const { approval_payload: payload = { text: "" } } = step;
  // What a sub-workflow is given may make anything in it fail, and what a large document says is not known here.
  if (gates_within !== undefined || "ref" in payload) return true;
  const shown = [
    approval_title,
    approval_text,
    payload.text,
    ...approval_links.flatMap(({ title = "", url }) => [title, url]),
  ];
  return shown.some((text) => reads.test(text));
}

/** The gates of a workflow's steps, as they are known of a step that runs it. */
export function gatesWithin(steps: PlanStep[]): StoredGate[] {
  const { dependents } = graphOf(steps);
  const skippable = reached(indexesOf(steps, skipsDependents), (i) => dependents[i] ?? []);
  return steps.flatMap((step, i) => {
    const gates = gatesIn(step);
    if (gates.length === 0) return [];
    const may_pass = skippable.has(i) || mayTurnOut(step, "payload") || mayTurnOut(step, "steps");
    return gates.map((gate) => storedGate(may_pass ? { ...gate, may_pass } : gate));
  });
}

const skipsDependents = ({ condition, on_skip }: PlanStep): boolean =>
  condition !== undefined && on_skip === "skip_dependents";
