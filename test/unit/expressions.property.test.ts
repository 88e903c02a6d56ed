import { expect, test } from "vitest";
import fc from "fast-check";
import type { Json } from "../../src/contract/json.ts";
import { conditionProblem, holds } from "../../workflows/expressions/conditions.ts";
import { applyOutputPath, outputPathProblem } from "../../workflows/expressions/output-path.ts";
import { render } from "../../workflows/expressions/templates.ts";

const refs = new Set(["a", "b"]);
const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const word = fc.constantFrom(
  "a",
  "b",
  "c",
  "constructor",
  "__proto__",
  "0",
  "#",
  "\\",
  ".",
  "*",
  "payload",
  "parent_outputs",
  "-",
  "é",
);

// Mostly right, so that every kind is evaluated often, and wrong in every place now and then.
const { condition } = fc.letrec<{ condition: Json; operand: Json }>((tie) => ({
  operand: fc.oneof(json, word, fc.integer(), fc.record({ step_ref: word }), fc.record({ value: json })),
  condition: fc.oneof(
    { depthSize: "small" },
    fc.record({ type: fc.constant("step_status"), step_ref: word, status: fc.constantFrom("failed", "nope") }),
    fc.record({
      type: fc.constant("step_status_in"),
      step_ref: word,
      statuses: fc.oneof(json, fc.constant(["failed"])),
    }),
    fc.record({
      type: fc.constantFrom("eq", "ne", "gt", "gte", "lt", "lte", "contains", "in", "regex"),
      left: tie("operand"),
      right: tie("operand"),
    }),
    fc.record({ type: fc.constant("exists"), operand: tie("operand") }),
    fc.record({ type: fc.constant("not"), condition: tie("condition") }),
    fc.record({ type: fc.constantFrom("all_of", "any_of"), conditions: fc.array(tie("condition"), { maxLength: 3 }) }),
    json,
  ) as fc.Arbitrary<Json>,
}));

test("a condition that was accepted can be evaluated", () => {
  fc.assert(
    fc.property(condition, (candidate) => {
      if (conditionProblem(candidate, refs) === undefined)
        expect(typeof holds(candidate, () => "failed")).toBe("boolean");
    }),
    { numRuns: 2000 },
  );
});

test("an output path that was accepted can be applied to any output", () => {
  fc.assert(
    fc.property(fc.array(word), json, (words, output) => {
      for (const path of [words.join(""), words.join(".")]) {
        if (outputPathProblem(path) === undefined) applyOutputPath(path, output);
      }
    }),
    { numRuns: 2000 },
  );
});

test("whatever a placeholder names, rendering it changes nothing but the string it stands in", () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), json, json, (path, payload, output) => {
      const text = `{{${path.join(".")}}}`;
      const rendered = render({ [text]: [text, 1], other: "x" }, { payload, parent_outputs: { a: output } });
      expect(rendered).toEqual({ [text]: [expect.toSatisfy(() => true), 1], other: "x" });
    }),
  );
});
