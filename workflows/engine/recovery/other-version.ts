import { quoted } from "../../expressions/printed.ts";
import { gatesIn, isGate } from "../gates/may-pass.ts";
import type { Plan, PlanStep } from "../plan.ts";
import { initialRun } from "../run.ts";
import type { RunState, StepState } from "../state.ts";
import { isKeptByRetry } from "./rule.ts";

/** Why what a run has completed can't be kept by its retry in another version of its workflow. */
export function keptFaults({ steps }: Plan, state: RunState, next: Plan): string[] {
  return steps.flatMap((step, i) => {
    const was = state.steps[i] as StepState;
    if (!isKeptByRetry(was)) return [];
    const fault = keptFault(step, next.steps[next.index.get(step.step_ref) ?? -1], was, next.run.rules);
    return fault === undefined ? [] : [`step ${quoted(step.step_ref)} has completed, and ${fault}`];
  });
}

/** An output is kept as that of a step that has the same before it. A decision is kept as that of the same approvers. */
export function keptFault(
  was: PlanStep,
  is: PlanStep | undefined,
  step: StepState,
  rules: number | undefined,
): string | undefined {
  if (!is) return "is not there";
  if (is.step_type !== was.step_type) return `is of type ${is.step_type}, not ${was.step_type}`;
  if (!isSame(was.depends_on, is.depends_on)) return "has other dependencies";
  if (!isSame(approversOf(was), approversOf(is))) return "has other approvers";
  if (!isSame(was.approval_options ?? [], is.approval_options ?? [])) return "has other options";
  if (was.approval_form?.text !== is.approval_form?.text) return "has another form";
  return (rules ?? 0) >= 3 && isGate(was) ? undecidedFault(was, is, step) : undefined;
}

/** What let a gate pass, or added to those who may decide it, while nobody decided it has to be there, too. */
function undecidedFault(was: PlanStep, is: PlanStep, { approval, cause }: StepState): string | undefined {
  const isOther = (field: "condition" | "approval_on_timeout" | "approval_escalation") =>
    JSON.stringify(was[field]) !== JSON.stringify(is[field]);
  if (cause === "condition" && isOther("condition")) return "has another condition";
  if (approval?.status === "timed_out" && isOther("approval_on_timeout")) return "has another approval_on_timeout";
  if (approval?.escalation_level && isOther("approval_escalation")) return "has another approval_escalation";
  return undefined;
}

/** Of an approval, and of each one in a sub-workflow. */
const approversOf = (step: PlanStep): string[] =>
  gatesIn(step).map(({ approvers, required = 1, exclude = [] }) =>
    JSON.stringify([[...approvers].sort(), required, [...exclude].sort()]),
  );

const isSame = (some: string[], others: string[]): boolean =>
  some.length === others.length && some.every((each) => others.includes(each));

/** The run as if it were one of the other version: a step that is new there has not begun. */
export function stateIn(plan: Plan, state: RunState, next: Plan): RunState {
  const begun = initialRun(next).state.steps;
  const steps = next.steps.map((is, i) => {
    const n = plan.index.get(is.step_ref) ?? -1;
    const [was, step] = [plan.steps[n], state.steps[n]];
    return was && step ? stepIn(was, step, is) : (begun[i] as StepState);
  });
  return { ...state, steps };
}

/** Who decided a gate has no right to it where the other version asks others. */
function stepIn(was: PlanStep, step: StepState, is: PlanStep): StepState {
  if (!step.approval?.approvers || isSame(approversOf(was), approversOf(is))) return step;
  return { ...step, approval: { ...step.approval, approvers: undefined } };
}
