import { microseconds } from "../workflows/engine/time.ts";

let origin = performance.timeOrigin;

/**
 * Epoch milliseconds, with microseconds. Date.now() has none; performance.now() has them, but is not set with the
 * system's clock: where the two part, it is set anew.
 */
export function now(): number {
  const wall = Date.now();
  const since = performance.now();
  if (origin + since < wall || origin + since >= wall + 1) origin = wall - since;
  return microseconds(origin + since);
}
