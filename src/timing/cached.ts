const KEPT_MS = 1_000;

/** Found as it was a moment ago at most: what busy runs ask is the same again and again. Who asks shares what was found. */
export function recently<Source, Found>(find: (source: Source, id: string) => Promise<Found>): typeof find {
  const found = new Map<string, Promise<Found>>();
  return (source, id) => {
    const known = found.get(id);
    if (known) return known;
    const asked = find(source, id);
    found.set(id, asked);
    // An outage is not to be told any longer than it lasts.
    asked.catch(() => found.delete(id));
    setTimeout(() => found.delete(id), KEPT_MS).unref();
    return asked;
  };
}
