import type { Condition, Operand, Test } from "./condition-parser.ts";
import { type Facts, holds, MAX_COMPARED } from "./conditions.ts";
import { printed } from "./printed.ts";

/** A test of a condition with the values that it compared. */
export interface Told {
  test: string;
  held: boolean;
}

/** More than these nobody reads. */
const MOST_TESTS = 20;
const LONGEST_VALUE = 200;

/** What a condition that could be evaluated came to, test by test, as far as it had to look. */
export function testsOf(condition: Condition, facts: Facts): Told[] {
  return read(condition, facts).tests.slice(0, MOST_TESTS);
}

function read(condition: Condition, facts: Facts): { held: boolean; tests: Told[] } {
  switch (condition.type) {
    case "not": {
      const { held, tests } = read(condition.condition, facts);
      return { held: !held, tests };
    }
    case "all_of":
    case "any_of": {
      const tests: Told[] = [];
      const decides = condition.type === "any_of";
      for (const each of condition.conditions) {
        const one = read(each, facts);
        tests.push(...one.tests);
        if (one.held === decides) return { held: decides, tests };
      }
      return { held: !decides, tests };
    }
    default: {
      const held = holds(condition, facts);
      return { held, tests: [{ test: told(condition, facts), held }] };
    }
  }
}

function told(test: Test, facts: Facts): string {
  switch (test.type) {
    case "step_status_in":
      return `${operand({ step_ref: test.step_ref }, facts)} in ${test.statuses.join(", ")}`;
    case "exists":
      return `${operand(test.operand, facts)} exists`;
    case "regex":
      return `${operand(test.left, facts)} regex ${cut(JSON.stringify(test.pattern.source))}`;
    default:
      return `${operand(test.left, facts)} ${test.type} ${operand(test.right, facts)}`;
  }
}

function operand(one: Operand, facts: Facts): string {
  if ("value" in one) return cut(written(one.value));
  if ("step_ref" in one) return `status of ${one.step_ref} (${facts.statusOf(one.step_ref) ?? "no such step"})`;
  const found = facts.valueAt(one.ref);
  if (!found) return `${one.ref.name} (no value)`;
  const size = `more than ${MAX_COMPARED} characters`;
  return `${one.ref.name} (${"size" in found ? size : cut(written(found.value))})`;
}

const written = (value: Parameters<typeof printed>[0]): string =>
  typeof value === "string" ? JSON.stringify(value) : printed(value);

const cut = (text: string): string => (text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text);
