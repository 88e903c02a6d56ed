/** All that can be reached from these, step by step; these themselves only if a way leads back to them. */
export function reached(from: number[], next: (i: number) => Iterable<number>): Set<number> {
  const seen = new Set<number>();
  const open = [...from];
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    for (const j of next(i)) {
      if (seen.has(j)) continue;
      seen.add(j);
      open.push(j);
    }
  }
  return seen;
}
