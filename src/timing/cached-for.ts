import { LRUCache } from "lru-cache";

/** As many answers are kept. A worker's busy runs ask for fewer. */
const MOST_KEPT = 10_000;

/**
 * The same, but an answer is given again for so long: what busy runs ask is the same again and again. All who ask share what
 * was found, and none may change it.
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
    // An outage is not to be told any longer than it lasts.
    asked.catch(() => found.delete(id));
    return asked;
  };
}
