import { describe, expect, test } from "vitest";
import type { Json } from "../../src/contract/json.ts";
import type { StepInput } from "../../src/contract/steps.ts";
import { stepsProblem } from "../../workflows/engine/validate.ts";
import { ConditionError, parseCondition } from "../../workflows/expressions/condition-parser.ts";
import { holds } from "../../workflows/expressions/conditions.ts";
import { follow } from "../../workflows/expressions/references.ts";

const statuses: Record<string, string> = { smoke: "failed", build: "completed" };
const statusOf = (ref: string) => (Object.hasOwn(statuses, ref) ? statuses[ref] : undefined);
/** What references read here: whatever their root is, this. */
let values: Json = {};
const valueAt = ({ path }: { path: string[] }) => {
  const value = follow(path, values);
  return value === undefined ? undefined : { value };
};
const is = (condition: Json) => holds(parseCondition(condition), { statusOf, valueAt });
const compare = (type: string, left: Json, right: Json) => is({ type, left, right });

/** What is wrong with the condition of a step that comes after "build" and "smoke", and before "late". */
function conditionProblem(condition: Json): string | undefined {
  const more = { on_failure: "fail_workflow", retry_backoff: "exponential", resource_class: "small" };
  const job = { step_type: "job", job_id: "job-1", ...more };
  const steps: StepInput[] = [
    { ...job, step_ref: "build", depends_on: [] },
    { ...job, step_ref: "smoke", depends_on: ["build"] },
    { ...job, step_ref: "asks", depends_on: ["smoke"], condition },
    { ...job, step_ref: "late", depends_on: ["asks"] },
  ];
  return stepsProblem(steps)?.message.replace('step "asks": ', "");
}

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

  test("matches patterns anywhere in the text, in linear time", () => {
    expect(compare("regex", { step_ref: "smoke" }, "^fa.l")).toBe(true);
    expect(compare("regex", { step_ref: "smoke" }, "ile")).toBe(true);
    expect(compare("regex", { step_ref: "smoke" }, "^ile")).toBe(false);
    const started = performance.now();
    expect(compare("regex", `${"a".repeat(15_000)}!`, "^(a+)+$")).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
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
    ['condition.type "unless" is not a type of condition', { type: "unless" }],
    ['condition.type "constructor" is not a type of condition', { type: "constructor" }],
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
    ["condition.right must be an array", { type: "in", left: 1, right: "123" }],
    ["condition.right is not a valid pattern", { type: "regex", left: "a", right: "(?=a)" }],
    ["condition.right is not a valid pattern", { type: "regex", left: "a", right: "((a{100}){100}){100}" }],
    ["condition.right must be a pattern", { type: "regex", left: "a", right: { step_ref: "build" } }],
    ["condition.right must be at most 1000 characters", { type: "regex", left: "a", right: "a".repeat(1001) }],
    ['condition has an unknown member "step_refs"', { type: "exists", operand: 1, step_refs: [] }],
    ["condition nests deeper than", nested(100)],
    ["condition nests deeper than", nested(5000)],
    ["condition must be at most 16384 characters", { type: "exists", operand: "x".repeat(20_000) }],
  ])("%s", (message, condition) => {
    expect(conditionProblem(condition)).toMatch(new RegExp(`^${message.replaceAll(/[[\]().]/g, "\\$&")}`));
  });

  test("but a good one is not", () => {
    expect(conditionProblem(nested(50))).toBeUndefined();
    expect(conditionProblem({ type: "regex", left: { step_ref: "smoke" }, right: "^f" })).toBeUndefined();
  });
});

describe("a value of the run in a condition", () => {
  const compared = (type: string, left: Json, right: Json, found: Json): boolean => {
    values = found;
    return is({ type, left, right });
  };
  const fetched = { ref: "outputs.fetch" };
  const amount = { ref: "outputs.fetch.amount" };

  test.each<[string, Json, Json, Json, boolean]>([
    ["eq", amount, 1, { fetch: { amount: 1 } }, true],
    ["eq", amount, "1", { fetch: { amount: 1 } }, false],
    ["ne", amount, "1", { fetch: { amount: 1 } }, true],
    ["eq", amount, { ref: "limit" }, { fetch: { amount: 9007199254740993n }, limit: 9007199254740993n }, true],
    ["eq", amount, 9007199254740992n, { fetch: { amount: 9007199254740993n } }, false],
    ["eq", amount, null, { fetch: { amount: null } }, true],
    ["eq", fetched, { value: { b: [1, "x"], a: 2 } }, { fetch: { a: 2, b: [1, "x"] } }, true],
    ["eq", fetched, { value: { a: 2 } }, { fetch: { a: 2, b: 1 } }, false],
    ["eq", fetched, [1, 2], { fetch: [2, 1] }, false],
    ["in", amount, [1, 2], { fetch: { amount: 2 } }, true],
    ["in", amount, ["1", "2"], { fetch: { amount: 2 } }, false],
    ["in", 2, fetched, { fetch: [1, 2] }, true],
    ["contains", fetched, 2, { fetch: [1, 2] }, true],
    ["contains", fetched, "2", { fetch: [1, 2] }, false],
    ["contains", fetched, "ell", { fetch: "hello" }, true],
    ["contains", fetched, 1, { fetch: 12 }, false],
    ["gt", amount, 100, { fetch: { amount: 100.5 } }, true],
    ["gt", amount, 100, { fetch: { amount: 100 } }, false],
    ["lte", amount, 9007199254740993n, { fetch: { amount: 9007199254740993n } }, true],
    ["lt", { ref: "payload.due" }, "2026-03-02T10:00:00+02:00", { due: "2026-03-02T07:59:59.999999Z" }, true],
    ["gte", { ref: "payload.due" }, "2026-03-02T10:00:00.1Z", { due: "2026-03-02T10:00:00.100Z" }, true],
    ["gt", { ref: "payload.due" }, "2026-03-02T10:00:00.1Z", { due: "2026-03-02T10:00:00.1000001Z" }, true],
    ["regex", fetched, "^v[0-9]+$", { fetch: "v12" }, true],
    ["eq", { ref: "outputs.fetch.items[1].id" }, 7, { fetch: { items: [0, { id: 7 }] } }, true],
    ["eq", { ref: "payload.note?" }, null, {}, true],
    ["eq", { ref: "payload.note?" }, "x", {}, false],
    ["in", 1, { ref: "payload.list?" }, {}, false],
    ["eq", { step_ref: "smoke" }, { ref: "wanted" }, { wanted: "failed" }, true],
  ])("is compared by its type: case %#, %s", (type, left, right, found, expected) => {
    expect(compared(type, left, right, found)).toBe(expected);
  });

  test("exists where it has one, null, false and empty text included", () => {
    values = { a: { no: false, empty: "", nil: null } };
    const exists = (ref: string) => is({ type: "exists", operand: { ref } });
    expect(["a", "a.no", "a.empty", "a.nil"].map(exists)).toEqual([true, true, true, true]);
    expect(["b", "a.other", "a.no.more", "a.other?", "a.constructor"].map(exists)).toEqual(Array(5).fill(false));
  });

  test.each<[string, Json, string]>([
    ["nothing", { type: "eq", left: { ref: "payload.b" }, right: 1 }, "payload.b has no value"],
    ["nothing, by its bare name", { type: "contains", left: { ref: "b.c" }, right: 1 }, "payload.b.c has no value"],
    ["text", { type: "gt", left: { ref: "a" }, right: 1 }, 'payload.a is the string "12", the other is the number 1'],
    ["null", { type: "gt", left: { ref: "b?" }, right: 1 }, "payload.b is null, the other is the number 1"],
    [
      "a number for a time",
      { type: "lt", left: 1, right: { ref: "a" } },
      'the other is the number 1, payload.a is the string "12"',
    ],
    ["no list", { type: "in", left: 1, right: { ref: "a" } }, 'in needs an array: payload.a is the string "12"'],
    [
      "too much text",
      { type: "regex", left: { ref: "long" }, right: "a" },
      "payload.long is too long to be compared: 1025 characters, where 1024 may be",
    ],
  ])("is an error that says what it got: %s", (_, condition, message) => {
    values = { a: "12", long: "a".repeat(1025) };
    expect(() => is(condition)).toThrow(ConditionError);
    expect(() => is(condition)).toThrow(message);
  });

  test.each<[string, Json]>([
    ['condition: "outputs.gone.x" references unknown step "gone"', { ref: "outputs.gone.x" }],
    ['condition: "outputs.late": step "late" does not come before it', { ref: "outputs.late" }],
    ['condition: "outputs.asks.x": step "asks" does not come before it', { ref: "outputs.asks.x" }],
    [
      'condition: "parent_outputs.build.x": the step does not depend on "build" directly',
      { ref: "parent_outputs.build.x" },
    ],
    ['condition.operand.ref: "item.id": "item" exists only within a for-each', { ref: "item.id" }],
    ['condition.operand.ref: "index": "index" exists only within a for-each', { ref: "index" }],
    [
      'condition.operand.ref: "run.secret": run has the members id, workflow_id, created_by, attempt',
      { ref: "run.secret" },
    ],
    ['condition.operand.ref: "outputs" needs the name of a step', { ref: "outputs" }],
    ['condition.operand.ref: "a b" is not a reference', { ref: "a b" }],
    ['condition.operand.ref: "" is not a reference', { ref: "" }],
    ["condition.operand.ref must be a string", { ref: 1 }],
    ['condition.operand.ref: "{{env}}": braces are not replaced in a condition', { ref: "{{env}}" }],
    ['condition.operand: "{{env}}": braces are not replaced in a condition', "{{env}}"],
    [
      'condition.operand.value[0].deep: "x{{env}}": braces are not replaced in a condition',
      { value: [{ deep: "x{{env}}" }] },
    ],
  ])("is refused when stored: %s", (message, operand) => {
    expect(conditionProblem({ type: "exists", operand })).toContain(message);
  });

  test("may be of any step before, of the payload and of the run", () => {
    for (const ref of [
      "outputs.build.a[0]",
      "parent_outputs.smoke",
      "payload",
      "env",
      "run.id",
      "run.attempt",
      'x["a b"].c?',
    ])
      expect(conditionProblem({ type: "eq", left: { ref }, right: "production" })).toBeUndefined();
  });
});

describe("a step's status is compared with a status", () => {
  const build = { step_ref: "build" };

  test.each<[string, Json, Json]>([
    ["eq", build, 250],
    ["ne", build, "success"],
    ["eq", { value: "done" }, build],
    ["eq", build, null],
    ["eq", build, { value: true }],
    ["in", build, ["failed", "broken"]],
    ["in", build, { value: [1] }],
    ["contains", build, "success"],
  ])("%s %j %j is refused when stored", (type, left, right) => {
    expect(conditionProblem({ type, left, right })).toMatch(/"step_ref": "build".*never.*"ref": "outputs.build"/);
  });

  test.each<[string, Json, Json]>([
    ["eq", build, "completed"],
    ["ne", { value: "failed" }, build],
    ["in", build, ["failed", "skipped"]],
    ["contains", build, "ail"],
    ["eq", build, { step_ref: "smoke" }],
    ["eq", build, { ref: "wanted" }],
  ])("%s %j %j is not", (type, left, right) => {
    expect(conditionProblem({ type, left, right })).toBeUndefined();
  });
});
