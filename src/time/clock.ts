import { microseconds } from "../../workflows/engine/time.ts";

/** How far the two clocks may differ. Adjusting costs precision, and a thread may be interrupted between the two reads. */
const APART_MS = 2;

let origin = performance.timeOrigin;

/**
 * Epoch milliseconds, with microseconds. Date.now() has no microseconds. performance.now() has, but does not follow a change of the
 * system's clock: when the two differ, the milliseconds are taken from Date.now() again.
 */
export function now(): number {
  const wall = Date.now();
  const since = performance.now();
  if (Math.abs(origin + since - wall) > APART_MS) origin = wall - Math.floor(since);
  return microseconds(origin + since);
}
