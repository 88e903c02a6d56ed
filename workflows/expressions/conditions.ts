import type { Json } from "../../src/contract/json.ts";
import { described, holdsWithin, isSame, orderOf } from "./compare.ts";
import {
  type Comparison,
  type Condition,
  ConditionError,
  type Operand,
  type Ordering,
  type Search,
} from "./condition-parser.ts";
import { printed, quoted } from "./printed.ts";
import type { Reference } from "./references.ts";

/** What a condition asks of its run. */
export interface Facts {
  /** The status of a step; undefined where the run has no such step. */
  statusOf(step_ref: string): string | undefined;
  /** Undefined where there is no value. `size`: of one too large to be compared, in characters. */
  valueAt(reference: Reference): { value: Json } | { size: number } | undefined;
}

/** Of a value of the run, as JSON text: larger ones are not brought into the workflow. In characters. */
export const MAX_COMPARED = 4096;

/** Of a value of the run that a pattern is looked for in, in characters. */
export const MAX_SEARCHED = 1024;

/** Whether a step may start. Throws ConditionError where that cannot be said. */
export function holds(condition: Condition, facts: Facts): boolean {
  switch (condition.type) {
    case "step_status_in": {
      const status = facts.statusOf(condition.step_ref);
      if (status === undefined)
        throw new ConditionError(`condition references unknown step ${quoted(condition.step_ref)}`);
      return condition.statuses.includes(status);
    }
    case "not":
      return !holds(condition.condition, facts);
    case "all_of":
      return condition.conditions.every((c) => holds(c, facts));
    case "any_of":
      return condition.conditions.some((c) => holds(c, facts));
    case "exists":
      return "ref" in condition.operand
        ? facts.valueAt(condition.operand.ref) !== undefined
        : printed(valueAt(condition.operand, facts)) !== "";
    case "regex": {
      const value = valueAt(condition.left, facts);
      // A value that may be missing, and is.
      if (value === null && "ref" in condition.left) return false;
      const text = printed(value);
      if ("ref" in condition.left && text.length > MAX_SEARCHED)
        throw tooLong(condition.left.ref, text.length, MAX_SEARCHED);
      return isFound(condition, text);
    }
    default:
      return compare(condition, facts);
  }
}

function isFound({ pattern, at }: Search, text: string): boolean {
  try {
    return pattern.compile()(text);
  } catch (error) {
    throw new ConditionError(`${at} is not a valid pattern: ${(error as Error).message}`);
  }
}

function compare({ type, left, right }: { type: Comparison | Ordering; left: Operand; right: Operand }, facts: Facts) {
  const [a, b] = [valueAt(left, facts), valueAt(right, facts)];
  const byType = "ref" in left || "ref" in right;
  switch (type) {
    case "eq":
      return byType ? isSame(a, b) : printed(a) === printed(b);
    case "ne":
      return byType ? !isSame(a, b) : printed(a) !== printed(b);
    case "contains":
      return byType ? holdsWithin(a, b) : printed(a).includes(printed(b));
    case "in":
      if (b !== null && !Array.isArray(b)) throw new ConditionError(`in needs an array: ${said(right, b)}`);
      return (b ?? []).some((item) => (byType ? isSame(item, a) : printed(item) === printed(a)));
  }
  const order = orderOf(a, b);
  if (order === undefined)
    throw new ConditionError(`${type} needs two numbers or two RFC3339 times: ${said(left, a)}, ${said(right, b)}`);
  return { gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[type];
}

/** Throws ConditionError where it has none, and must have one. */
function valueAt(operand: Operand, facts: Facts): Json {
  if ("value" in operand) return operand.value;
  if ("step_ref" in operand) return facts.statusOf(operand.step_ref) ?? "";
  const { ref } = operand;
  const found = facts.valueAt(ref);
  if (found && "size" in found) throw tooLong(ref, found.size, MAX_COMPARED);
  if (!found && !ref.optional) throw new ConditionError(`${ref.name} has no value`);
  return found ? found.value : null;
}

const tooLong = ({ name }: Reference, length: number, limit: number) =>
  new ConditionError(`${name} is too long to be compared: ${length} characters, where ${limit} may be`);

/** An operand in a message: what it is called, where it has a name, and its value. */
const said = (operand: Operand, value: Json): string =>
  "ref" in operand ? `${operand.ref.name} is ${described(value)}` : `the other is ${described(value)}`;
