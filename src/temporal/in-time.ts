import { AsyncLocalStorage } from "node:async_hooks";
import { isOutage } from "../outage.ts";
import { lateAnswer, type Temporal } from "./connection.ts";

/** How long Temporal may take to store a signal or a start, before the caller is told that it may be stored. */
const STORED_WITHIN_MS = 10_000;
/** So much of a caller's time is left to tell them: until then, a transaction is taken back. */
const TOLD_WITHIN_MS = 1_000;

/** What is thrown of an outage in which something may have been stored. */
export type Unknown = (outage: unknown) => unknown;

/** When those for whom something is done are answered, whatever has become of it. */
const answeredAt = new AsyncLocalStorage<number>();

/** The result of `act`, or an outage once `ms` are over. Then `act` goes on, but stores nothing in Temporal any more. */
export function answeringWithin<Result>(temporal: Temporal, ms: number, act: () => Promise<Result>): Promise<Result> {
  const end = Date.now() + ms;
  return answeredAt.run(end, () => temporal.withDeadline(end, act));
}

/**
 * Stores something in Temporal, or throws what `unknown` makes of an outage. Who asked hears of that in time:
 * what has no time left for it, because it had to wait for its turn, is not begun.
 */
export async function stored<Result>(
  temporal: Temporal,
  act: () => Promise<Result>,
  unknown: Unknown = (outage) => outage,
): Promise<Result> {
  const now = Date.now();
  const end = Math.min(now + STORED_WITHIN_MS, (answeredAt.getStore() ?? Infinity) - TOLD_WITHIN_MS);
  if (end <= now) throw lateAnswer();
  try {
    return await temporal.withDeadline(end, act);
  } catch (error) {
    throw isOutage(error) ? unknown(error) : error;
  }
}
