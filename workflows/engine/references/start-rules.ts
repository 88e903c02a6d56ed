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

const rules = new WeakMap<Plan, (StartRule | undefined)[]>();

/** Parsed once a plan. Undefined for a step that starts as soon as its dependencies let it. */
export function startRuleOf(plan: Plan, i: number): StartRule | undefined {
  const all = rules.get(plan) ?? startRules(plan);
  rules.set(plan, all);
  return all[i];
}

function startRules({ run, steps }: Plan): (StartRule | undefined)[] {
  const isBounded = (run.rules ?? 0) >= 1;
  const work = new PatternWork();
  return steps.map((step) => {
    try {
      const condition = step.condition === undefined ? undefined : parseCondition(step.condition);
      if (condition && isBounded && !work.takes(condition)) throw new ConditionError(TOO_MUCH_WORK);
      const emitKey = isBounded ? emitKeyOf(step) : [];
      if (!condition && emitKey.length === 0) return undefined;
      return { condition, emitKey, values: [...(condition ? refsIn(condition) : []), ...emitKey] };
    } catch (error) {
      if (error instanceof ConditionError) return failing(`condition of step ${step.step_ref}: ${error.message}`);
      if (error instanceof TemplateError) return failing(error.message);
      throw error;
    }
  });
}

const failing = (error: string): StartRule => ({ error, values: [], emitKey: [] });

/** The references that must have a value. */
function emitKeyOf({ event_emit_key, step_type }: PlanStep): Reference[] {
  if (!event_emit_key?.includes("{{") || !STEP_KINDS[step_type].emits) return [];
  return partsOf(event_emit_key).flatMap((part) => (typeof part === "string" || part.optional ? [] : [part]));
}
