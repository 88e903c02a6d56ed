import fc from "fast-check";
import { expect, test } from "vitest";
import { ALWAYS_NEW } from "./always-new.ts";
import { Pattern } from "../../workflows/expressions/patterns.ts";
import { timesAsLong } from "../stack/cost.ts";

/** What RE2 and JavaScript take for the same, and JavaScript finds without going back and forth for ever. */
const atom = fc.constantFrom("a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "(?:ab|b)", "(a|c.)");
const part = fc.oneof(
  fc.tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}")).map((both) => both.join("")),
  fc.constantFrom("^", "$", "\\b"),
);
const parts = fc.array(part, { minLength: 1, maxLength: 4 }).map((all) => all.join(""));
const pattern = fc.array(parts, { minLength: 1, maxLength: 3 }).map((ways) => ways.join("|"));
const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "1", " ", "\n", "é"), maxLength: 30 });

test("a pattern is in a text where JavaScript finds it, be the text short or long", () => {
  fc.assert(
    fc.property(pattern, text, fc.constantFrom("", "", "", "\n".repeat(25_000)), (source, end, before) => {
      expect(new Pattern(source).compile()(before + end)).toBe(new RegExp(source).test(before + end));
    }),
    { numRuns: 400 },
  );
});

const HOSTILE = [
  "a[ab]{100}[cd]",
  "a[ab]{400}[cd]",
  "a[ab]{900}[cd]",
  "(?i)(a[ab]{100}|b[ab]{90})[cd]",
  "(\\pL+\\pN*)+[xy]",
  "(?:[ab]{1,3}){50}[xy]",
  "(?:a?){300}[cd]",
  "(?:(?:a|b|ab|ba|aba){10}){10}[cd]",
  "(\\w*\\w*\\w*\\w*)*[xy]",
  "^(?:(a?){100}a{100})$",
];

test.each(HOSTILE)("to search for %s takes no longer for its size than for others, times a few", async (source) => {
  const searches = (source: string) => () => {
    const pattern = new Pattern(source);
    const times = Math.ceil(5_000_000 / (pattern.size * ALWAYS_NEW.length));
    for (let i = 0; i < times; i++) expect(pattern.compile()(ALWAYS_NEW)).toBe(false);
  };
  const usual = searches("(.*a.*b.*){8}[xy]");
  expect(await timesAsLong(searches(source), usual)).toBeLessThan(5);
});
