import { setTimeout as pauseFor } from "node:timers/promises";

/** How many times as long as it took. */
const REST = 4;
/** What is over sooner keeps nobody waiting. */
const SHORT_MS = 5;

/** By whose they are: resolves once the next one may hold the process. */
const turns = new Map<string, Promise<unknown>>();

/**
 * What a client may have made to hold the process for a while, and may ask for in a loop. Each one's are done one at a time, and
 * after each that took long the process is left to the others for a multiple of that.
 */
export async function inTurn<Done>(whose: string, act: () => Done): Promise<Done> {
  const before = turns.get(whose) ?? Promise.resolve();
  let took = 0;
  const acting = before.then(() => {
    const began = performance.now();
    try {
      return act();
    } finally {
      took = performance.now() - began;
    }
  });
  const rest = () => (took < SHORT_MS ? undefined : pauseFor(took * REST));
  const rested = acting.then(rest, rest);
  turns.set(whose, rested);
  void rested.then(() => {
    if (turns.get(whose) === rested) turns.delete(whose);
  });
  return acting;
}
