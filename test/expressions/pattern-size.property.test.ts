import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { patternSize } from "../../workflows/expressions/pattern-size.ts";

const parts = fc.constantFrom(
  ...["a", "b", "(", "(?:", ")", "[", "]", "[^", "\\", "\\Q", "\\E", "*", "+", "?", "|", ".", "^", "$", "-", "ß", "😀"],
  ...["{2}", "{3,7}", "{0,40}", "{30}", "{,3}", "{5,}", "{", "}", "\\p{Greek}", "\\pL", "[:alpha:]", "(?i)", "(?P<n>"],
  ...["\\x{41}", "\\d", "\\]", "\\[", "\\(", "[(]", "[)]"],
);

test("no pattern compiles to many more instructions than its text was said to", () => {
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 25 }), (some) => {
      const pattern = some.join("");
      let compiled: RE2JS;
      try {
        compiled = RE2JS.compile(pattern);
      } catch {
        return;
      }
      expect(compiled.programSize()).toBeLessThanOrEqual(2 * patternSize(pattern));
    }),
    { numRuns: 20_000 },
  );
});

describe("what is written in a few characters and large", () => {
  test.each([
    ["(a?){1000}a{1000}", 3_000],
    [`(?:${"a".repeat(900)}){1000}`, 900_000],
    ["((a{10}){10}){10}", 1_000],
    [`(?:${"b".repeat(100)}\\Q(\\Ea){1000}`, 100_000],
    [`(?:${"b".repeat(100)}[(]a){1000}`, 100_000],
    [`(?:${"b".repeat(100)})(?i){1000}`, 100_000],
  ])("%s", (pattern, least) => {
    expect(patternSize(pattern)).toBeGreaterThanOrEqual(least);
  });
});

test("what is usual is small", () => {
  for (const pattern of ["^order-[a-z]+$", "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$", "(dev|staging|prod)"])
    expect(patternSize(pattern)).toBeLessThan(100);
});
