/** All that one gets to from these, by one step after the other; those themselves only where one comes back to them. */
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
