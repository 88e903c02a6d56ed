import { setTimeout as pauseFor } from "node:timers/promises";

/**
 * Takes one turn after another until `stop`, which waits for the one under way. A turn says how many ms to rest after it, and never
 * rejects.
 */
export function repeating(turn: () => Promise<number>) {
  const stopped = new AbortController();
  const ended = (async () => {
    while (!stopped.signal.aborted) {
      const restMs = await turn();
      if (restMs > 0) await pauseFor(restMs, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return {
    stop(): Promise<void> {
      stopped.abort();
      return ended;
    },
  };
}
