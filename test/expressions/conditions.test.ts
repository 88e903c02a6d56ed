import { describe, expect, test } from "vitest";
import { conditionProblem, is } from "./given-condition.ts";
import { type Json, parseJson } from "../../src/contract/json.ts";
import { ConditionError } from "../../workflows/expressions/condition-parser.ts";
import { timesAsLong } from "../stack/cost.ts";

const compare = (type: string, left: Json, right: Json) => is({ type, left, right });

describe("a condition", () => {
  test.each<[string, boolean, Json]>([
    ["the status it asks for", true, { type: "step_status", step_ref: "smoke", status: "failed" }],
    ["another status", false, { type: "step_status", step_ref: "build", status: "failed" }],
    ["one of the statuses", true, { type: "step_status_in", step_ref: "build", statuses: ["skipped", "completed"] }],
    ["none of no statuses", false, { type: "step_status_in", step_ref: "build", statuses: [] }],
    ["an empty all_of", true, { type: "all_of", conditions: [] }],
    ["an empty any_of", false, { type: "any_of", conditions: [] }],
    ["a negation", true, { type: "not", condition: { type: "any_of", conditions: [] } }],
    ["existing text", true, { type: "exists", operand: "x" }],
    ["no text", false, { type: "exists", operand: "" }],
    ["null, which exists", true, { type: "exists", operand: null }],
    ["the status of a step", true, { type: "exists", operand: { step_ref: "build" } }],
    ["a step the run does not have", false, { type: "exists", operand: { step_ref: "gone" } }],
  ])("knows %s", (_, expected, condition) => {
    expect(is(condition)).toBe(expected);
  });

  test("short-circuits", () => {
    const broken = { type: "step_status", step_ref: "gone", status: "failed" };
    expect(is({ type: "any_of", conditions: [{ type: "exists", operand: 1 }, broken] })).toBe(true);
    expect(is({ type: "all_of", conditions: [{ type: "exists", operand: "" }, broken] })).toBe(false);
  });

  test("compares printed text", () => {
    expect(compare("eq", 1, "1")).toBe(true);
    expect(compare("eq", true, "true")).toBe(true);
    expect(compare("ne", { step_ref: "smoke" }, "completed")).toBe(true);
    expect(compare("eq", { value: { step_ref: "smoke" } }, "failed")).toBe(false);
    expect(compare("contains", { step_ref: "smoke" }, "ail")).toBe(true);
    expect(compare("in", { step_ref: "smoke" }, ["failed", "skipped"])).toBe(true);
    expect(compare("in", 2, { value: ["1", "2"] })).toBe(true);
    expect(compare("in", 3, ["1", "2"])).toBe(false);
  });

  test("compares numbers as numbers, beyond 2^53 too", () => {
    expect(compare("gt", 10, 9)).toBe(true);
    expect(compare("gte", 2, 2)).toBe(true);
    expect(compare("lt", 9007199254740992n, 9007199254740993n)).toBe(true);
    expect(compare("lte", { value: 1.5 }, 1)).toBe(false);
    expect(compare("eq", 9007199254740993n, "9007199254740993")).toBe(true);
  });

  test("matches patterns anywhere in the text, in linear time", async () => {
    expect(compare("regex", { step_ref: "smoke" }, "^fa.l")).toBe(true);
    expect(compare("regex", { step_ref: "smoke" }, "ile")).toBe(true);
    expect(compare("regex", { step_ref: "smoke" }, "^ile")).toBe(false);
    const searched = (pattern: string) => () => expect(compare("regex", `${"a".repeat(15_000)}!`, pattern)).toBe(false);
    expect(await timesAsLong(searched("^(a+)+$"), searched("^a+$"))).toBeLessThan(20);
  });

  test("that asks for the status of an unknown step is an error", () => {
    expect(() => is({ type: "step_status", step_ref: "gone", status: "failed" })).toThrow(ConditionError);
    expect(() => is({ type: "step_status", step_ref: "constructor", status: "failed" })).toThrow(ConditionError);
  });
});

describe("a condition is refused at creation", () => {
  const nested = (levels: number): Json =>
    levels === 0 ? { type: "exists", operand: 1 } : { type: "not", condition: nested(levels - 1) };

  test.each<[string, Json]>([
    ["condition must be an object", null],
    ["condition must be an object", ["eq"]],
    ["condition.type is required", {}],
    ["condition.type must be one of step_status, step_status_in, not, all_of, any_of, eq,", { type: "unless" }],
    ["condition.type must be one of", { type: "constructor" }],
    ["condition.type must be one of", { type: 5 }],
    ["condition.step_ref must be a string", { type: "step_status", status: "failed" }],
    ["condition.status must be one of", { type: "step_status", step_ref: "smoke", status: "succeeded" }],
    ["condition.status must be one of", { type: "step_status", step_ref: "smoke", status: "toString" }],
    ["condition.statuses must be an array", { type: "step_status_in", step_ref: "smoke", statuses: "failed" }],
    ["condition.statuses[1] must be one of", { type: "step_status_in", step_ref: "smoke", statuses: ["failed", 1] }],
    ['condition references unknown step "gone"', { type: "step_status", step_ref: "gone", status: "failed" }],
    ['condition references unknown step "__proto__"', { type: "eq", left: { step_ref: "__proto__" }, right: 1 }],
    ["condition.condition is required", { type: "not" }],
    ["condition.conditions must be an array", { type: "all_of", conditions: {} }],
    ["condition.conditions[0].operand is required", { type: "any_of", conditions: [{ type: "exists" }] }],
    ["condition.right is required", { type: "eq", left: 1 }],
    ["condition.left must be a literal", { type: "eq", left: { path: "build.output" }, right: 1 }],
    ["condition.left must be a number", { type: "gt", left: "2", right: 1 }],
    ["condition.right must be a number", { type: "lte", left: 2, right: { step_ref: "build" } }],
    ["condition.right must be a number or an RFC3339 time", { type: "gt", left: { ref: "amount" }, right: "100" }],
    [
      "condition.left must be a number or an RFC3339 time",
      { type: "gt", left: { step_ref: "build" }, right: { ref: "n" } },
    ],
    [
      "condition.right must be a number or an RFC3339 time",
      { type: "lt", left: { ref: "at" }, right: "2026-02-30T00:00:00Z" },
    ],
    [
      "condition: contains looks in text or a list, and the number 42 is neither",
      { type: "not", condition: { type: "contains", left: 42, right: { ref: "n" } } },
    ],
    ["condition: contains looks in text or a list, and null is", { type: "contains", left: null, right: { ref: "n" } }],
    ["condition.right must be an array", { type: "in", left: 1, right: "123" }],
    ["condition.right is not a valid pattern", { type: "regex", left: "a", right: "(?=a)" }],
    ["condition.right is not a valid pattern", { type: "regex", left: "a", right: "((a{100}){100}){100}" }],
    ["condition.right must be a pattern", { type: "regex", left: "a", right: { step_ref: "build" } }],
    ["condition.right must be at most 1000 characters", { type: "regex", left: "a", right: "a".repeat(1001) }],
    ['condition has an unknown member "step_refs"', { type: "exists", operand: 1, step_refs: [] }],
    ["condition nests deeper than", nested(100)],
    ["condition nests deeper than", nested(5000)],
    ["condition must have no number of more digits", { type: "gt", left: 12345678901234567890n, right: 1 }],
    [
      "condition must have no number of more digits",
      { type: "in", left: 1, right: [parseJson("0.1234567890123456789")] },
    ],
    ["condition must be at most 16384 characters", { type: "exists", operand: "x".repeat(20_000) }],
  ])("%s", (message, condition) => {
    expect(conditionProblem(condition)).toMatch(new RegExp(`^${message.replaceAll(/[[\]().]/g, "\\$&")}`));
  });

  test("but a good one is not", () => {
    expect(conditionProblem(nested(50))).toBeUndefined();
    expect(conditionProblem({ type: "regex", left: { step_ref: "smoke" }, right: "^f" })).toBeUndefined();
    for (const left of ["abc", ["a"], { ref: "list" }])
      expect(conditionProblem({ type: "contains", left, right: { ref: "n" } })).toBeUndefined();
    // As printed text, it has the one in it.
    expect(conditionProblem({ type: "contains", left: 42, right: 4 })).toBeUndefined();
    // What is called like a value of the run is a text all the same.
    expect(conditionProblem({ type: "exists", operand: "outputs.build.n" })).toBeUndefined();
  });
});
