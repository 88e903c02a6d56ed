import fc from "fast-check";
import { expect, test } from "vitest";
import { dependentsOf, dotOf, rootsOf, topologicalOrder } from "../../src/rules/definition-graph.ts";

const DIAMOND = [
  { step_ref: "d", depends_on: ["b", "c"] },
  { step_ref: "c", depends_on: ["a"] },
  { step_ref: "b", depends_on: ["a"] },
  { step_ref: "a", depends_on: [] },
  { step_ref: "0", depends_on: [] },
];

test("a graph is told sorted, whatever the order of the definition", () => {
  expect(rootsOf(DIAMOND)).toEqual(["0", "a"]);
  expect([...dependentsOf(DIAMOND)]).toEqual([
    ["0", []],
    ["a", ["b", "c"]],
    ["b", ["d"]],
    ["c", ["d"]],
    ["d", []],
  ]);
  expect(dotOf(DIAMOND)).toBe(
    'digraph workflow {\n  "0";\n  "a" -> "b";\n  "a" -> "c";\n  "b" -> "d";\n  "c" -> "d";\n  "d";\n}',
  );
  expect(topologicalOrder(DIAMOND)).toEqual(["0", "a", "b", "c", "d"]);
  expect([rootsOf([]), topologicalOrder([]), dotOf([])]).toEqual([[], [], "digraph workflow {\n}"]);
});

const dag = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, i) =>
        fc
          .subarray(Array.from({ length: i }, (_, earlier) => earlier))
          .map((parents) => ({ step_ref: `s${(i * 7) % 13}`, depends_on: parents.map((p) => `s${(p * 7) % 13}`) })),
      ),
    ),
  );

test("of the steps that could come next, the first by name does", () => {
  fc.assert(
    fc.property(dag, (steps) => {
      const open = new Map(steps.map(({ step_ref, depends_on }) => [step_ref, depends_on]));
      for (const ref of topologicalOrder(steps)) {
        const ready = [...open].filter(([, depends_on]) => depends_on.every((parent) => !open.has(parent)));
        expect(ref).toBe(ready.map(([name]) => name).sort()[0]);
        open.delete(ref);
      }
      expect(open.size).toBe(0);
    }),
  );
});
