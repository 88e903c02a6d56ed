import { microseconds } from "../../workflows/engine/time.ts";

/** How far the two clocks may part: setting one after the other costs digits, and a thread may be held between reads. */
const APART_MS = 2;

let origin = performance.timeOrigin;

/**
 * Epoch milliseconds, with microseconds. Date.now() has none; performance.now() has them, but is not set with the
 * system's clock: where the two part, the milliseconds are set anew, and the digits below them stay performance.now()'s.
 */
export function now(): number {
  const wall = Date.now();
  const since = performance.now();
  if (Math.abs(origin + since - wall) > APART_MS) origin = wall - Math.floor(since);
  return microseconds(origin + since);
}
