import { isOutage } from "../outage.ts";
import { answeredAt } from "../time/answered-at.ts";
import { within } from "../time/deadline.ts";
import { lateAnswer, type Temporal } from "./connection.ts";

/** How long Temporal may take to store a signal or a start, before the caller is told that it may be stored. */
const STORED_WITHIN_MS = 10_000;
/** So much of a caller's time is left to tell them: until then, a transaction is taken back. */
const TOLD_WITHIN_MS = 1_000;

/** So much of it is left to note what Temporal has, and to tell that it does. */
const NOTED_WITHIN_MS = 3_000;

/** What is thrown of an outage in which something may have been stored. */
export type Unknown = (outage: unknown) => unknown;

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

/** What is looked for after something was stored, or an outage: who asked hears in time that it is, whatever hangs meanwhile. */
export function lookedFor<Result>(looking: Promise<Result>, ms = Infinity): Promise<Result> {
  const left = Math.min(ms, (answeredAt.getStore() ?? Infinity) - NOTED_WITHIN_MS - Date.now());
  return left === Infinity ? looking : within(Math.max(0, left), looking, lateAnswer);
}
