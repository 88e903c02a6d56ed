import { isLosslessNumber } from "lossless-json";
import type { Json } from "../../src/contract/json.ts";
import { type Condition, ConditionError, type Operand, parseCondition } from "./condition-parser.ts";
import { MAX_LEVELS, nestsDeeperThan, printed, quoted } from "./printed.ts";

export { ConditionError };

/** Keeps parsing and matching far below the two seconds a workflow task may block. */
const MAX_TEXT = 16_384;

/** The status of a step; undefined where the run has no such step. */
export type StatusOf = (step_ref: string) => string | undefined;

/** What is wrong with a condition of a workflow with these steps, or undefined. */
export function conditionProblem(condition: Json, refs: ReadonlySet<string>): string | undefined {
  if (nestsDeeperThan(MAX_LEVELS, condition)) return `condition nests deeper than ${MAX_LEVELS} levels`;
  if (printed(condition).length > MAX_TEXT) return `condition must be at most ${MAX_TEXT} characters`;
  if (hasLongNumber(condition)) return "condition must have no number of more digits than a double holds";
  try {
    const unknown = refsIn(parseCondition(condition)).find((ref) => !refs.has(ref));
    return unknown === undefined ? undefined : `condition references unknown step ${quoted(unknown)}`;
  } catch (error) {
    if (error instanceof ConditionError) return error.message;
    throw error;
  }
}

/** Runs carry conditions as plain JSON, which has no such numbers. */
function hasLongNumber(value: Json): boolean {
  if (typeof value === "bigint" || isLosslessNumber(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasLongNumber);
}

/** Whether a step may start. Throws ConditionError where that cannot be said. */
export function holds(condition: Json, statusOf: StatusOf): boolean {
  return evaluate(parseCondition(condition), statusOf);
}

function evaluate(condition: Condition, statusOf: StatusOf): boolean {
  switch (condition.type) {
    case "step_status_in": {
      const status = statusOf(condition.step_ref);
      if (status === undefined)
        throw new ConditionError(`condition references unknown step ${quoted(condition.step_ref)}`);
      return condition.statuses.includes(status);
    }
    case "not":
      return !evaluate(condition.condition, statusOf);
    case "all_of":
      return condition.conditions.every((c) => evaluate(c, statusOf));
    case "any_of":
      return condition.conditions.some((c) => evaluate(c, statusOf));
    case "exists":
      return textOf(condition.operand, statusOf) !== "";
    case "gt":
      return condition.left > condition.right;
    case "gte":
      return condition.left >= condition.right;
    case "lt":
      return condition.left < condition.right;
    case "lte":
      return condition.left <= condition.right;
    case "eq":
      return textOf(condition.left, statusOf) === textOf(condition.right, statusOf);
    case "ne":
      return textOf(condition.left, statusOf) !== textOf(condition.right, statusOf);
    case "contains":
      return textOf(condition.left, statusOf).includes(textOf(condition.right, statusOf));
    case "in": {
      const left = textOf(condition.left, statusOf);
      const { value } = condition.right as { value: Json[] };
      return value.some((item) => printed(item) === left);
    }
    case "regex":
      return condition.pattern.test(textOf(condition.left, statusOf));
  }
}

function textOf(operand: Operand, statusOf: StatusOf): string {
  return "value" in operand ? printed(operand.value) : (statusOf(operand.step_ref) ?? "");
}

function refsIn(condition: Condition): string[] {
  switch (condition.type) {
    case "step_status_in":
      return [condition.step_ref];
    case "not":
      return refsIn(condition.condition);
    case "all_of":
    case "any_of":
      return condition.conditions.flatMap(refsIn);
    case "exists":
      return refOf(condition.operand);
    case "regex":
      return refOf(condition.left);
    case "eq":
    case "ne":
    case "contains":
    case "in":
      return [...refOf(condition.left), ...refOf(condition.right)];
    default:
      return [];
  }
}

function refOf(operand: Operand): string[] {
  return "step_ref" in operand ? [operand.step_ref] : [];
}
