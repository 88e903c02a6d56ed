import { setTimeout as pauseFor } from "node:timers/promises";
import type { Caller } from "../identity/caller.ts";

/** Less is read in a moment, whatever is in it. */
const LARGE_BYTES = 65_536;
/** How many times as long as its reading took. */
const REST = 4;

/** By caller: resolves once its next large body may be read. */
const turns = new Map<string, Promise<unknown>>();

/**
 * Reading a large body holds the process, and to have a wrong one refused costs its sender nothing. So each caller's are
 * read one at a time, and after each the process is left to the others for a while, whoever sends them in a loop.
 */
export async function inTurn<Read>({ actor, projects }: Caller, bytes: number, read: () => Read): Promise<Read> {
  if (bytes < LARGE_BYTES) return read();
  const whose = JSON.stringify([actor, projects]);
  const before = turns.get(whose) ?? Promise.resolve();
  let took = 0;
  const reading = before.then(() => {
    const began = performance.now();
    try {
      return read();
    } finally {
      took = performance.now() - began;
    }
  });
  const rested = reading.then(
    () => pauseFor(took * REST),
    () => pauseFor(took * REST),
  );
  turns.set(whose, rested);
  void rested.then(() => {
    if (turns.get(whose) === rested) turns.delete(whose);
  });
  return reading;
}
