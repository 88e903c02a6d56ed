import { isLosslessNumber } from "lossless-json";
import type { Json } from "../../src/contract/json.ts";
import { described } from "./compare.ts";
import {
  type Condition,
  ConditionError,
  type Operand,
  parseCondition,
  STATUSES,
  type Test,
  testsIn,
} from "./condition-parser.ts";
import { MAX_SIZE, patternsIn, type PatternWork, TOO_MUCH_WORK } from "./pattern-work.ts";
import { MAX_LEVELS, nestsDeeperThan, printed, quoted } from "./printed.ts";
import type { Reference } from "./references.ts";
import { stringsIn } from "./templates.ts";

const MAX_TEXT = 16_384;

/** The condition, if it may be stored; or what is wrong with it, besides the steps and values that it asks for. */
export function checkedCondition(json: Json, work: PatternWork): Condition | string {
  if (nestsDeeperThan(MAX_LEVELS, json)) return `condition nests deeper than ${MAX_LEVELS} levels`;
  if (printed(json).length > MAX_TEXT) return `condition must be at most ${MAX_TEXT} characters`;
  if (hasLongNumber(json)) return "condition must have no number of more digits than a double holds";
  const [braces] = stringsIn(json, "condition");
  if (braces)
    return `${braces.at}: ${quoted(braces.text)}: braces are not replaced in a condition; a value of the run is {"ref": "payload.name"}`;
  try {
    const condition = parseCondition(json);
    const [empty] = testsIn(condition).flatMap(heldByNothing);
    if (empty !== undefined) return empty;
    for (const { pattern, at } of patternsIn(condition))
      if (pattern.size > MAX_SIZE) return `${at} is not a valid pattern: it is too large`;
    if (!work.takes(condition)) return TOO_MUCH_WORK;
    for (const { pattern, at } of patternsIn(condition)) {
      const problem = pattern.problem();
      if (problem !== undefined) return `${at} is not a valid pattern: ${problem}`;
    }
    return condition;
  } catch (error) {
    if (error instanceof ConditionError) return error.message;
    throw error;
  }
}

/** A literal in which nothing can be found is compared by its type with a value of the run: the step would be skipped in every run. */
function heldByNothing(test: Test): string[] {
  if (test.type !== "contains" || !("value" in test.left) || !("ref" in test.right)) return [];
  const { value } = test.left;
  if (typeof value === "string" || Array.isArray(value)) return [];
  return [`condition: contains looks in text or a list, and ${described(value)} is neither`];
}

/** Runs carry conditions as plain JSON, which has no such numbers. */
function hasLongNumber(value: Json): boolean {
  if (typeof value === "bigint" || isLosslessNumber(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasLongNumber);
}

/** The steps whose status a condition asks for. */
export const stepsIn = (condition: Condition): string[] =>
  testsIn(condition).flatMap((test) =>
    test.type === "step_status_in"
      ? test.step_ref
      : operandsOf(test).flatMap((operand) => ("step_ref" in operand ? operand.step_ref : [])),
  );

/** The values that a condition asks for. */
export const refsIn = (condition: Condition): Reference[] =>
  testsIn(condition)
    .flatMap(operandsOf)
    .flatMap((operand) => ("ref" in operand ? operand.ref : []));

function operandsOf(test: Test): Operand[] {
  switch (test.type) {
    case "step_status_in":
      return [];
    case "exists":
      return [test.operand];
    case "regex":
      return [test.left];
    default:
      return [test.left, test.right];
  }
}

/** A step's status compared with what is no status: its output was meant, or a word is mistyped. */
export const statusProblem = (condition: Condition): string | undefined =>
  testsIn(condition)
    .map(statusProblemOf)
    .find((problem) => problem !== undefined);

function statusProblemOf(test: Test): string | undefined {
  switch (test.type) {
    case "eq":
    case "ne":
    case "in":
    case "contains":
      return comparedStatus(test.left, test.right, test.type) ?? comparedStatus(test.right, test.left, test.type);
    default:
      return undefined;
  }
}

function comparedStatus(status: Operand, other: Operand, type: string): string | undefined {
  if (!("step_ref" in status) || !("value" in other)) return undefined;
  const isPart = (word: string) => Object.keys(STATUSES).some((known) => known.includes(word));
  const isStatus = (value: Json) =>
    typeof value === "string" && (type === "contains" ? isPart(value) : Object.hasOwn(STATUSES, value));
  const all = type === "in" && Array.isArray(other.value) ? other.value : [other.value];
  const wrong = all.find((value) => !isStatus(value));
  if (wrong === undefined) return undefined;
  const what = `{"step_ref": ${quoted(status.step_ref)}} is the status of the step, which is never ${quoted(printed(wrong))}`;
  return `condition: ${what}; its output is {"ref": ${quoted(`outputs.${status.step_ref}`)}}`;
}
