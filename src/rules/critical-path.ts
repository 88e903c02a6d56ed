import { topologicalOrder } from "./definition-graph.ts";

export interface TimedStep {
  step_ref: string;
  depends_on: string[];
  /** How long it takes, as far as can be said. */
  estimate_ms: number;
}

/**
 * The steps that take longest one after the other, from one that depends on nothing. Of equally long ways the one whose last step
 * comes first by name, then whose step before that does, and so on. The steps have no circle.
 */
export function criticalPath(steps: TimedStep[]): string[] {
  const byRef = new Map(steps.map((step) => [step.step_ref, step]));
  const ways = new Map<string, { total: number; before?: string }>();
  const totalOf = (ref: string) => ways.get(ref)?.total ?? 0;
  const longest = (refs: Iterable<string>): string | undefined => {
    let found: string | undefined;
    for (const ref of refs)
      if (found === undefined || totalOf(ref) > totalOf(found) || (totalOf(ref) === totalOf(found) && ref < found))
        found = ref;
    return found;
  };
  for (const ref of topologicalOrder(steps)) {
    const { depends_on = [], estimate_ms = 0 } = byRef.get(ref) ?? {};
    const before = longest(depends_on);
    ways.set(ref, { total: estimate_ms + (before === undefined ? 0 : totalOf(before)), before });
  }
  const path: string[] = [];
  for (let ref = longest(byRef.keys()); ref !== undefined; ref = ways.get(ref)?.before) path.push(ref);
  return path.reverse();
}
