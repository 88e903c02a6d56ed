import fc from "fast-check";
import { expect, test } from "vitest";
import { type Span, timelineOf } from "../../src/rules/timeline.ts";
import { timesAsLong } from "../stack/cost.ts";

const span = fc.record({
  step_ref: fc.constant(""),
  start: fc.nat({ max: 12 }),
  lasts: fc.nat({ max: 6 }),
  isOver: fc.boolean(),
});
const spans = fc.array(span, { maxLength: 12 }).map((drafts) =>
  drafts.map(({ start, lasts, isOver }, i): Span => {
    return { step_ref: `s${String(i).padStart(2, "0")}`, start, end: start + lasts, isOver };
  }),
);

test("it says of each step what comparing it with every other one says", () => {
  fc.assert(
    fc.property(spans, (all) => {
      const placed = timelineOf(all);
      const order = all.toSorted((a, b) => a.start - b.start || a.step_ref.localeCompare(b.step_ref));
      expect(placed.map(({ step_ref }) => step_ref)).toEqual(order.map(({ step_ref }) => step_ref));
      for (const [i, step] of placed.entries()) {
        const beside = order.filter(
          (one) => one.step_ref !== step.step_ref && one.start < step.end && step.start < one.end,
        );
        expect(step.parallel_with).toEqual(beside.map(({ step_ref }) => step_ref));
        expect(step.on_critical_path).toBe(beside.every(({ end }) => end <= step.end));
        const last = order.slice(0, i).findLast(({ isOver }) => isOver);
        expect(step.wait_ms).toBe(last ? Math.max(0, step.start - last.end) : 0);
      }
    }),
    { numRuns: 2000 },
  );
});

test("of ten thousand steps at once each names ten", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({ step_ref: `s${i}`, start: 0, end: 1, isOver: true }));
  const placed = timelineOf(many);
  expect(new Set(placed.map(({ parallel_with }) => parallel_with.length))).toEqual(new Set([10]));
  expect(placed[0]?.parallel_with).not.toContain(placed[0]?.step_ref);
});

test("it takes as much longer as there are more steps, and not as there are more pairs of them", async () => {
  const chain = (length: number) =>
    Array.from({ length }, (_, i) => ({ step_ref: `s${i}`, start: i, end: i + 2, isOver: true }));
  const [few, many] = [chain(1_000), chain(20_000)];
  const times = await timesAsLong(
    () => timelineOf(many),
    () => timelineOf(few),
  );
  expect(times).toBeLessThan(120);
});
