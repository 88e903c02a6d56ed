import fc from "fast-check";
import { expect, test } from "vitest";
import { Busiest } from "../../src/runtime/metrics/busiest.ts";

const DAY_MS = 86_400_000;

function watched(most: number) {
  const gone: string[] = [];
  let now = 0;
  const busiest = new Busiest(
    most,
    (key) => gone.push(key),
    () => now,
  );
  return {
    gone,
    happens: (key: string, times = 1) => {
      let isShown = false;
      for (let i = 0; i < times; i++) isShown = busiest.happens(key);
      return isShown;
    },
    passes: (ms: number) => {
      now += ms;
    },
  };
}

test("as many as there are places are shown, and no more", () => {
  const { happens, gone } = watched(2);
  expect([happens("a"), happens("b"), happens("c"), happens("a")]).toEqual([true, true, false, true]);
  expect(gone).toEqual([]);
});

test("who becomes busier takes the place of the quietest", () => {
  const { happens, gone } = watched(2);
  happens("a", 10);
  happens("b", 2);
  expect(happens("c", 4)).toBe(false);
  expect(happens("c")).toBe(true);
  expect(gone).toEqual(["b"]);
  expect(happens("b")).toBe(false);
});

test("what was busy long ago makes room", () => {
  const { happens, passes, gone } = watched(1);
  happens("a", 1_000_000);
  passes(DAY_MS);
  expect(happens("b")).toBe(true);
  // Weights would be larger than a number can hold.
  passes(100 * DAY_MS);
  expect([happens("c"), happens("b"), happens("c")]).toEqual([true, false, true]);
  expect(gone).toEqual(["a", "b"]);
});

test("whatever happens, at most so many are shown at once", () => {
  const happenings = fc.array(fc.tuple(fc.constantFrom(..."abcdefgh"), fc.nat(DAY_MS)), { maxLength: 200 });
  fc.assert(
    fc.property(happenings, (all) => {
      const { happens, passes, gone } = watched(3);
      const shown = new Set<string>();
      for (const [key, ms] of all) {
        passes(ms);
        if (happens(key)) shown.add(key);
        for (const each of gone.splice(0)) shown.delete(each);
        expect(shown.size).toBeLessThanOrEqual(3);
      }
    }),
  );
});
