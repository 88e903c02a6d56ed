import type { Condition, Operand, Test } from "./condition-parser.ts";
import { type Facts, holds, said, valueAt } from "./conditions.ts";
import { quoted } from "./printed.ts";

/**
 * Which parts of a condition decide it, each with what it compares: "gt: outputs.score.points is the number 3, the other is the
 * number 5". Of a condition that was found to hold, or not to: asked about one that is an error, it throws ConditionError too.
 */
export function explained(condition: Condition, facts: Facts): string {
  switch (condition.type) {
    case "not":
      return `not ${explained(condition.condition, facts)}`;
    case "all_of":
    case "any_of": {
      const { type, conditions } = condition;
      // One that is false decides all_of, one that is true any_of; else all of them do.
      const decides = conditions.find((one) => holds(one, facts) === (type === "any_of"));
      const deciding = decides ? [decides] : conditions;
      return deciding.map((one) => explained(one, facts)).join("; ") || `${type} of nothing`;
    }
    default:
      return `${condition.type === "step_status_in" ? "status" : condition.type}: ${compared(condition, facts)}`;
  }
}

function compared(test: Test, facts: Facts): string {
  switch (test.type) {
    case "step_status_in":
      return `${statusOf(test.step_ref, facts)}, asked for ${test.statuses.join(" or ")}`;
    case "exists":
      if (!("ref" in test.operand)) return told(test.operand, facts);
      return `${test.operand.ref.name} has ${facts.valueAt(test.operand.ref) ? "a" : "no"} value`;
    case "regex":
      return `${told(test.left, facts)}, the pattern is ${quoted(test.pattern.source)}`;
    default:
      return `${told(test.left, facts)}, ${told(test.right, facts)}`;
  }
}

const told = (operand: Operand, facts: Facts): string =>
  "step_ref" in operand ? statusOf(operand.step_ref, facts) : said(operand, valueAt(operand, facts));

const statusOf = (step_ref: string, facts: Facts): string =>
  `step ${quoted(step_ref)} is ${facts.statusOf(step_ref) ?? "not there"}`;
