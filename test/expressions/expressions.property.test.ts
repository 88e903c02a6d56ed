import { expect, test } from "vitest";
import fc from "fast-check";
import type { Json } from "../../src/contract/json.ts";
import { checkedCondition } from "../../workflows/expressions/condition-check.ts";
import { ConditionError } from "../../workflows/expressions/condition-parser.ts";
import { holds } from "../../workflows/expressions/conditions.ts";
import { applyOutputPath, outputPathProblem } from "../../workflows/expressions/output-path.ts";
import { PatternWork } from "../../workflows/expressions/pattern-work.ts";
import { follow, parseReference, stepOf } from "../../workflows/expressions/references.ts";
import { partsOf, render, TemplateError } from "../../workflows/expressions/templates.ts";

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
  operand: fc.oneof(
    json,
    word,
    fc.integer(),
    fc.record({ step_ref: word }),
    fc.record({ value: json }),
    fc.record({ ref: fc.oneof(word, fc.constantFrom("payload.a?", "outputs.a.b", "a[0]", "run.id")) }),
  ),
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

test("a condition that was accepted can be evaluated, or says which value it can't take", () => {
  fc.assert(
    fc.property(condition, fc.option(json, { nil: undefined }), (candidate, value) => {
      const checked = checkedCondition(candidate, new PatternWork("definition"));
      if (typeof checked === "string") return;
      const found = value === undefined ? undefined : { value };
      try {
        expect(typeof holds(checked, { statusOf: () => "failed", valueAt: () => found })).toBe("boolean");
      } catch (error) {
        expect(error).toBeInstanceOf(ConditionError);
        expect((error as Error).message).toMatch(/has no value|needs|too long/);
        expect(JSON.stringify(candidate)).toContain('"ref"');
      }
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

const name = fc.oneof(word, fc.string(), fc.nat(99).map(String));

/** A path, written in any of the ways there are. */
const written = fc
  .array(fc.record({ name, quoted: fc.boolean(), bracket: fc.boolean() }), { minLength: 1, maxLength: 10 })
  .map((members) => {
    const text = members.map(({ name, quoted, bracket }) => {
      if (!quoted && bracket && /^\d+$/.test(name)) return `[${name}]`;
      return !quoted && /^[\p{L}\p{M}\p{Nd}_$:-]+$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    });
    return { path: members.map((member) => member.name), text: text.join("") };
  });

test("a path is read as it was written, alone and in braces", () => {
  fc.assert(
    fc.property(written, fc.constantFrom("payload", "outputs"), fc.boolean(), (path, root, optional) => {
      const text = `${root}${path.text}`;
      const reference = parseReference(optional ? `${text}?` : text);
      expect(reference).toMatchObject({ root, path: path.path, name: text, optional });
      expect(partsOf(`a{{ ${text} }}b`)).toEqual(["a", { ...reference, optional: false }, "b"]);
      // Whatever the name of a step, there is a way to write it.
      const [step = ""] = path.path;
      expect(stepOf(parseReference(`outputs[${JSON.stringify(step)}]`), (ref) => ref === step)).toEqual({
        step,
        path: [],
      });
    }),
    { numRuns: 2000 },
  );
});

test("any template renders to what its references lead to, or names one that leads nowhere; no braces of its own are left", () => {
  const plain = fc.string().map((text) => text.replaceAll(/[{}]/g, ""));
  const part = fc.oneof(
    plain.map((text) => ({ text })),
    fc.record({ written, optional: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), json, (parts, payload) => {
      const template = parts.map((one) =>
        "text" in one ? one.text : `{{payload${one.written.text}${one.optional ? "?" : ""}}}`,
      );
      const values = parts.map((one) => ("text" in one ? one.text : follow(one.written.path, payload)));
      const missing = parts.findIndex((one, i) => values[i] === undefined && !("optional" in one && one.optional));
      const rendering = () => render([{ [template.join("")]: template.join("") }], ({ path }) => follow(path, payload));
      if (missing >= 0) {
        const { written: of } = parts[missing] as { written: { text: string } };
        expect(rendering).toThrow(TemplateError);
        expect(rendering).toThrow(`payload${of.text} has no value`);
      } else {
        const texts = values.map((value) =>
          typeof value === "string" ? value : value == null ? "" : JSON.stringify(value),
        );
        const isAlone =
          parts.filter((one) => !("text" in one) || one.text !== "").length === 1 &&
          !parts.some((one) => "text" in one && one.text !== "");
        const expected = isAlone ? (values.find((_, i) => "written" in (parts[i] as object)) ?? null) : texts.join("");
        expect(rendering()).toEqual([{ [template.join("")]: expected }]);
      }
    }),
    { numRuns: 2000 },
  );
});
