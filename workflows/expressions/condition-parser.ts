import type { Json } from "../../src/contract/json.ts";
import type { StepStatus } from "../../src/contract/runs.ts";
import { hasOrder } from "./compare.ts";
import { Pattern } from "./patterns.ts";
import { membersOf, printed, quoted } from "./printed.ts";
import { parseReference, type Reference, InvalidReference } from "./references.ts";

/** A condition that cannot be evaluated; the message begins with where in it. */
export class ConditionError extends Error {}

/** A step's status, a literal, or a value of the run. */
export type Operand = { step_ref: string } | { value: Json } | { ref: Reference };
export type Comparison = "eq" | "ne" | "contains" | "in";
export type Ordering = "gt" | "gte" | "lt" | "lte";

/** For a pattern. `at`: where it stands, for what is wrong with it. */
export type Search = { type: "regex"; left: Operand; pattern: Pattern; at: string };

/** What a condition's JSON means. `step_status` is a `step_status_in` of one. */
export type Condition =
  | { type: "step_status_in"; step_ref: string; statuses: string[] }
  | { type: "not"; condition: Condition }
  | { type: "all_of" | "any_of"; conditions: Condition[] }
  | { type: Comparison | Ordering; left: Operand; right: Operand }
  | Search
  | { type: "exists"; operand: Operand };

/** A condition that is made of no others. */
export type Test = Exclude<Condition, { type: "not" | "all_of" | "any_of" }>;

/** What a condition is made of, in the order in which it is written. */
export function testsIn(condition: Condition): Test[] {
  switch (condition.type) {
    case "not":
      return testsIn(condition.condition);
    case "all_of":
    case "any_of":
      return condition.conditions.flatMap(testsIn);
    default:
      return [condition];
  }
}

type Members = { [name: string]: Json };

export const STATUSES: Record<StepStatus, true> = {
  pending: true,
  waiting: true,
  running: true,
  completed: true,
  failed: true,
  skipped: true,
  canceled: true,
};
const TYPES: Record<Condition["type"] | "step_status", true> = {
  step_status: true,
  step_status_in: true,
  not: true,
  all_of: true,
  any_of: true,
  eq: true,
  ne: true,
  gt: true,
  gte: true,
  lt: true,
  lte: true,
  contains: true,
  in: true,
  regex: true,
  exists: true,
};
const MAX_PATTERN = 1000;

export function parseCondition(json: Json, at = "condition"): Condition {
  const condition = conditionMembers(json, at);
  const type = required(condition.type, `${at}.type`);
  switch (type) {
    case "step_status":
      only(condition, at, "step_ref", "status");
      return {
        type: "step_status_in",
        step_ref: refOf(condition, at),
        statuses: [status(condition.status, `${at}.status`)],
      };
    case "step_status_in":
      only(condition, at, "step_ref", "statuses");
      return {
        type,
        step_ref: refOf(condition, at),
        statuses: list(condition.statuses, `${at}.statuses`).map(([s, i]) => status(s, i)),
      };
    case "not":
      only(condition, at, "condition");
      return { type, condition: parseCondition(required(condition.condition, `${at}.condition`), `${at}.condition`) };
    case "all_of":
    case "any_of":
      only(condition, at, "conditions");
      return { type, conditions: list(condition.conditions, `${at}.conditions`).map(([c, i]) => parseCondition(c, i)) };
    case "exists":
      only(condition, at, "operand");
      return { type, operand: operand(condition.operand, `${at}.operand`) };
    case "gt":
    case "gte":
    case "lt":
    case "lte": {
      only(condition, at, "left", "right");
      const [left, right] = [operand(condition.left, `${at}.left`), operand(condition.right, `${at}.right`)];
      const byType = "ref" in left || "ref" in right;
      return { type, left: ordered(left, `${at}.left`, byType), right: ordered(right, `${at}.right`, byType) };
    }
    case "eq":
    case "ne":
    case "contains":
    case "in": {
      only(condition, at, "left", "right");
      const right = operand(condition.right, `${at}.right`);
      if (type === "in" && !("ref" in right || ("value" in right && Array.isArray(right.value))))
        throw new ConditionError(`${at}.right must be an array`);
      return { type, left: operand(condition.left, `${at}.left`), right };
    }
    case "regex":
      only(condition, at, "left", "right");
      return {
        type,
        left: operand(condition.left, `${at}.left`),
        pattern: pattern(condition.right, `${at}.right`),
        at: `${at}.right`,
      };
    default:
      throw new ConditionError(`${at}.type must be one of ${Object.keys(TYPES).join(", ")}`);
  }
}

function conditionMembers(json: Json | undefined, at: string): Members {
  const members = membersOf(json);
  if (members) return members;
  throw new ConditionError(`${at} must be an object`);
}

function only(condition: Members, at: string, ...names: string[]): void {
  const unknown = Object.keys(condition).find((name) => name !== "type" && !names.includes(name));
  if (unknown !== undefined) throw new ConditionError(`${at} has an unknown member ${quoted(unknown)}`);
}

function required(json: Json | undefined, at: string): Json {
  if (json === undefined) throw new ConditionError(`${at} is required`);
  return json;
}

function refOf({ step_ref }: Members, at: string): string {
  if (typeof step_ref === "string") return step_ref;
  throw new ConditionError(`${at}.step_ref must be a string`);
}

function status(json: Json | undefined, at: string): string {
  if (typeof json === "string" && Object.hasOwn(STATUSES, json)) return json;
  throw new ConditionError(`${at} must be one of ${Object.keys(STATUSES).join(", ")}`);
}

function list(json: Json | undefined, at: string): [Json, string][] {
  if (Array.isArray(json)) return json.map((item, i) => [item, `${at}[${i}]`]);
  throw new ConditionError(`${at} must be an array`);
}

// An object that is no form of an operand is refused: whoever wrote it means something else.
function operand(json: Json | undefined, at: string): Operand {
  const value = required(json, at);
  const members = membersOf(value);
  if (!members) return { value };
  const [name, ...others] = Object.keys(members);
  if (others.length === 0 && name === "step_ref") return { step_ref: refOf(members, at) };
  if (others.length === 0 && name === "value") return { value: members.value as Json };
  if (others.length === 0 && name === "ref") return { ref: reference(members.ref, `${at}.ref`) };
  throw new ConditionError(`${at} must be a literal, {"ref": …}, {"step_ref": …} or {"value": …}`);
}

function reference(json: Json | undefined, at: string): Reference {
  if (typeof json !== "string") throw new ConditionError(`${at} must be a string, like "outputs.build.image"`);
  try {
    return parseReference(json);
  } catch (error) {
    if (error instanceof InvalidReference) throw new ConditionError(`${at}: ${error.message}`);
    throw error;
  }
}

function ordered(operand: Operand, at: string, byType: boolean): Operand {
  if ("ref" in operand) return operand;
  const value = "value" in operand ? operand.value : null;
  if (typeof value === "number" || typeof value === "bigint" || (byType && hasOrder(value))) return operand;
  throw new ConditionError(`${at} must be a number${byType ? " or an RFC3339 time" : ""}`);
}

function pattern(json: Json | undefined, at: string): Pattern {
  const parsed = operand(json, at);
  if (!("value" in parsed)) throw new ConditionError(`${at} must be a pattern`);
  const text = printed(parsed.value);
  if (text.length > MAX_PATTERN) throw new ConditionError(`${at} must be at most ${MAX_PATTERN} characters`);
  return new Pattern(text);
}
