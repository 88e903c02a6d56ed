import { describe, expect, test } from "vitest";
import { conditionProblem, is } from "./given-condition.ts";
import type { Json } from "../../src/contract/json.ts";
import { ConditionError } from "../../workflows/expressions/condition-parser.ts";

describe("a value of the run in a condition", () => {
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
    ["regex", { ref: "payload.note?" }, "", {}, false],
    ["contains", { ref: "payload.note?" }, "", {}, false],
  ])("is compared by its type: case %#, %s", (type, left, right, found, expected) => {
    expect(is({ type, left, right }, found)).toBe(expected);
  });

  test("exists where it has one, null, false and empty text included", () => {
    const values = { a: { no: false, empty: "", nil: null } };
    const exists = (ref: string) => is({ type: "exists", operand: { ref } }, values);
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
    const values = { a: "12", long: "a".repeat(1025) };
    expect(() => is(condition, values)).toThrow(ConditionError);
    expect(() => is(condition, values)).toThrow(message);
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
