import { LRUCache } from "lru-cache";

/** How many answers are kept. The busy runs of a worker ask for fewer. */
const MOST_KEPT = 1_000;

/**
 * `find`, whose answers are reused for so long: busy runs ask for the same again and again. All who ask share the object that was
 * found.
 */
export function cachedFor<Source, Found>(
  ms: number,
  find: (source: Source, id: string) => Promise<Found>,
): typeof find {
  const found = new LRUCache<string, Promise<Found>>({ max: MOST_KEPT, ttl: ms });
  return (source, id) => {
    const known = found.get(id);
    if (known) return known;
    const asked = find(source, id);
    found.set(id, asked);
    // An error is not kept: the next one to ask tries again.
    asked.catch(() => found.delete(id));
    return asked;
  };
}
