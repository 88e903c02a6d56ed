import fc from "fast-check";
import { expect, test } from "vitest";
import { criticalPath, type TimedStep } from "../../src/rules/critical-path.ts";

const step = (step_ref: string, estimate_ms: number, ...depends_on: string[]): TimedStep => ({
  step_ref,
  depends_on,
  estimate_ms,
});

test("the longest way is by time and not by number of steps; of equal ones the first by name, from its end on", () => {
  expect(criticalPath([])).toEqual([]);
  expect(criticalPath([step("b", 0), step("a", 0)])).toEqual(["a"]);
  const long = [step("a", 1), step("b", 1, "a"), step("c", 1, "b"), step("z", 9)];
  expect(criticalPath(long)).toEqual(["z"]);
  const equal = [step("y", 5), step("x", 5), step("end", 1, "y", "x"), step("other", 6)];
  expect(criticalPath(equal)).toEqual(["x", "end"]);
});

const dag = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.array(fc.nat({ max: 9 }), { maxLength: 3 })), { maxLength: 10 })
  .chain((drafts) =>
    fc.shuffledSubarray([..."abcdefghij"], { minLength: 10 }).map((names) =>
      drafts.map(([ms, before], i) => {
        const refs = [...new Set(before.filter((j) => j < i))].map((j) => names[j] as string);
        return step(names[i] as string, ms, ...refs);
      }),
    ),
  );

/** Each way that begins at a step that depends on nothing. */
function waysTo(steps: TimedStep[], ref: string): string[][] {
  const { depends_on = [] } = steps.find(({ step_ref }) => step_ref === ref) ?? {};
  if (depends_on.length === 0) return [[ref]];
  return depends_on.flatMap((before) => waysTo(steps, before).map((way) => [...way, ref]));
}

test("it is the one that is found by looking at every way", () => {
  fc.assert(
    fc.property(dag, (steps) => {
      const total = (way: string[]) =>
        way.reduce((sum, ref) => sum + (steps.find(({ step_ref }) => step_ref === ref)?.estimate_ms ?? 0), 0);
      const fromItsEnd = (way: string[]) => way.toReversed().join();
      const [best = []] = steps
        .flatMap(({ step_ref }) => waysTo(steps, step_ref))
        .sort((a, b) => total(b) - total(a) || (fromItsEnd(a) < fromItsEnd(b) ? -1 : 1));
      expect(criticalPath(steps)).toEqual(best);
    }),
    { numRuns: 1000 },
  );
});
