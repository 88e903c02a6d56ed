import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../../src/contract/json.ts";
import { diffSteps, type DiffStep, type StepsDiff } from "../../src/rules/definition-diff.ts";

const FIELDS = ["payload", "condition", "event_key", "depends_on", "retry_max_attempts"];

const step = (step_ref: string): fc.Arbitrary<DiffStep> =>
  fc
    .dictionary(
      fc.constantFrom(...FIELDS),
      fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null),
    )
    .map((fields) => ({ ...(fields as Record<string, Json>), step_ref }));

const steps = fc
  .uniqueArray(fc.constantFrom(..."abcdefgh", "__proto__", "constructor"), { maxLength: 8 })
  .chain((refs) => fc.tuple(...refs.map(step)));

/** What a reader of the diff does to the old steps. */
function apply({ added, removed, changed, order }: StepsDiff, from: DiffStep[]): DiffStep[] {
  const kept = from.filter(({ step_ref }) => !removed.includes(step_ref));
  const edited = kept.map((old) => {
    const step = new Map<string, Json | undefined>(Object.entries(old));
    for (const [field, { to }] of Object.entries(
      changed.find(({ step_ref }) => step_ref === old.step_ref)?.fields ?? {},
    )) {
      if (to === undefined) step.delete(field);
      else step.set(field, to);
    }
    return Object.fromEntries(step) as DiffStep;
  });
  const all = [...edited, ...added];
  return order ? order.map((ref) => all.find(({ step_ref }) => step_ref === ref) as DiffStep) : all;
}

test("a diff, applied to the old steps, makes the new ones", () => {
  fc.assert(
    fc.property(steps, steps, (from, to) => {
      expect(apply(diffSteps(from, to), from)).toEqual(to);
    }),
    { numRuns: 200 },
  );
});

test("a diff of the same steps is empty, and says of every field only that it differs", () => {
  fc.assert(
    fc.property(steps, steps, (from, to) => {
      expect(diffSteps(from, structuredClone(from))).toEqual({ added: [], removed: [], changed: [] });
      for (const { step_ref, fields } of diffSteps(from, to).changed) {
        const [old, current] = [from, to].map((all) => all.find((step) => step.step_ref === step_ref));
        for (const [field, { from: was, to: is }] of Object.entries(fields)) {
          expect([was, is]).toEqual([old?.[field], current?.[field]]);
          expect(was).not.toEqual(is);
        }
      }
    }),
  );
});

test("the members of a document may come in any order", () => {
  const [from, to] = [
    { a: 1, b: [1, 2] },
    { b: [1, 2], a: 1 },
  ].map((payload) => ({ step_ref: "a", payload }));
  expect(diffSteps([from as DiffStep], [to as DiffStep]).changed).toEqual([]);
});
