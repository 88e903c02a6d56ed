interface Step {
  step_ref: string;
  depends_on: string[];
}

/** The steps that depend on nothing. */
export const rootsOf = (steps: Step[]): string[] =>
  steps
    .filter(({ depends_on }) => depends_on.length === 0)
    .map(({ step_ref }) => step_ref)
    .sort();

/** Of each step those that depend on it directly. */
export function dependentsOf(steps: Step[]): Map<string, string[]> {
  const refs = steps.map(({ step_ref }) => step_ref).sort();
  const dependents = new Map<string, string[]>(refs.map((ref) => [ref, []]));
  for (const { step_ref, depends_on } of steps) for (const ref of depends_on) dependents.get(ref)?.push(step_ref);
  for (const each of dependents.values()) each.sort();
  return dependents;
}

/** For Graphviz. No step_ref has a character that would have to be escaped. */
export function dotOf(steps: Step[]): string {
  const lines = [...dependentsOf(steps)].flatMap(([ref, dependents]) =>
    dependents.length === 0 ? [`  "${ref}";`] : dependents.map((dependent) => `  "${ref}" -> "${dependent}";`),
  );
  return ["digraph workflow {", ...lines, "}"].join("\n");
}

/** Each step after all that it depends on; of those that could come next the first by name. The steps have no circle. */
export function topologicalOrder(steps: Step[]): string[] {
  const dependents = dependentsOf(steps);
  const open = new Map(steps.map(({ step_ref, depends_on }) => [step_ref, depends_on.length]));
  // The next one is the last, where taking it away is cheap.
  const ready = rootsOf(steps).reverse();
  const order: string[] = [];
  for (let ref = ready.pop(); ref !== undefined; ref = ready.pop()) {
    order.push(ref);
    for (const dependent of dependents.get(ref) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) ready.splice(placeOf(dependent, ready), 0, dependent);
    }
  }
  return order;
}

/** Where a name belongs in a list that falls. */
function placeOf(ref: string, falling: string[]): number {
  let [low, high] = [0, falling.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((falling[middle] as string) > ref) low = middle + 1;
    else high = middle;
  }
  return low;
}
