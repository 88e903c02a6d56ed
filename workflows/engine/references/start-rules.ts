import { refsIn } from "../../expressions/condition-check.ts";
import { type Condition, ConditionError, parseCondition } from "../../expressions/condition-parser.ts";
import { PatternWork, TOO_MUCH_WORK } from "../../expressions/pattern-work.ts";
import type { Reference } from "../../expressions/references.ts";
import { partsOf, TemplateError } from "../../expressions/templates.ts";
import type { Plan, PlanStep } from "../plan.ts";
import { STEP_KINDS } from "../steps/index.ts";

/** What has to be known before a step starts: whether its condition holds, and that what it emits will have a key. */
export interface StartRule {
  condition?: Condition;
  /** What the condition asks for, and the event_emit_key needs. */
  values: Reference[];
  emitKey: Reference[];
  /** Why neither can be known. */
  error?: string;
}

/** Of each step why its rule can't be known, if so. Found once a plan. */
const faults = new WeakMap<Plan, (string | undefined)[]>();

function faultOf(plan: Plan, i: number): string | undefined {
  const known = faults.get(plan) ?? faultsOf(plan);
  faults.set(plan, known);
  return known[i];
}

/** Whether a step starts as soon as its dependencies let it. */
export function startsAtOnce(plan: Plan, i: number): boolean {
  const step = plan.steps[i] as PlanStep;
  return step.condition === undefined && faultOf(plan, i) === undefined && emitKeyIn(plan, step).length === 0;
}

/**
 * Undefined for a step that starts at once. Parsed each of the few times that it is asked for: it takes several times the room of
 * what it is parsed from, in each of the runs that a worker keeps.
 */
export function startRuleOf(plan: Plan, i: number): StartRule | undefined {
  if (startsAtOnce(plan, i)) return undefined;
  const error = faultOf(plan, i);
  if (error !== undefined) return { error, values: [], emitKey: [] };
  const step = plan.steps[i] as PlanStep;
  const condition = conditionOf(step);
  const emitKey = emitKeyIn(plan, step);
  return { condition, emitKey, values: [...(condition ? refsIn(condition) : []), ...emitKey] };
}

function faultsOf(plan: Plan): (string | undefined)[] {
  const work = new PatternWork("run");
  return plan.steps.map((step) => {
    try {
      const condition = conditionOf(step);
      if (condition && isBounded(plan) && !work.takes(condition)) throw new ConditionError(TOO_MUCH_WORK);
      emitKeyIn(plan, step);
      return undefined;
    } catch (error) {
      if (error instanceof ConditionError) return `condition of step ${step.step_ref}: ${error.message}`;
      if (error instanceof TemplateError) return error.message;
      throw error;
    }
  });
}

const isBounded = ({ run }: Plan): boolean => (run.rules ?? 0) >= 1;

const conditionOf = ({ condition }: PlanStep): Condition | undefined =>
  condition === undefined ? undefined : parseCondition(condition);

/** The references that must have a value. */
function emitKeyIn(plan: Plan, { event_emit_key, step_type }: PlanStep): Reference[] {
  if (!isBounded(plan) || !event_emit_key?.includes("{{") || !STEP_KINDS[step_type].emits) return [];
  return partsOf(event_emit_key).flatMap((part) => (typeof part === "string" || part.optional ? [] : [part]));
}
