import type { Plan } from "../plan.ts";
import { reached } from "../reached.ts";

export const indexesOf = <Item>(items: Item[], which: (item: Item, i: number) => boolean): number[] =>
  [...items.keys()].filter((i) => which(items[i] as Item, i));

/** All that comes before these steps, directly or not. */
export const before = ({ dependencies }: Plan, steps: number[]): Set<number> =>
  reached(steps, (i) => dependencies[i] ?? []);

/** What may turn out otherwise for how these steps end, or for what they put out: all that comes after them or reads them. */
export function swayedBy({ steps, index, dependents }: Pick<Plan, "steps" | "index" | "dependents">, from: number[]) {
  const readers = new Map<number, number[]>();
  for (const [i, { condition }] of steps.entries()) {
    for (const ref of refsIn(condition)) {
      const read = index.get(ref);
      if (read !== undefined) readers.set(read, [...(readers.get(read) ?? []), i]);
    }
  }
  return reached(from, (i) => [...(dependents[i] ?? []), ...(readers.get(i) ?? [])]);
}

/** A condition may name any step of the workflow by `step_ref`. What it reads by a path comes before it anyway. */
function* refsIn(condition: unknown): Generator<string> {
  const open = [condition];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    if (typeof each !== "object" || each === null) continue;
    if ("step_ref" in each && typeof each.step_ref === "string") yield each.step_ref;
    open.push(...Object.values(each).filter((value) => value !== undefined));
  }
}
