import { setTimeout as pauseFor } from "node:timers/promises";
import type { Deps } from "../../deps.ts";
import type { ErrorCode } from "../../contract/answers/problem.ts";
import { Problem } from "../../errors.ts";
import { isOutage } from "../../outage.ts";
import { answeringWithin } from "../../temporal/in-time.ts";

/** How many runs of one request are worked on at once. */
export const CONCURRENCY = 16;

/** A key of its own for each run: the same key may be used in a request for one run alone. */
export const keyOfEach = (key: string | undefined) => key && `${key}/bulk`;

/** Each run has as long as a request for it alone would have. With one deadline for all, a busy Temporal would leave no time for the last ones. */
const ITEM_WITHIN_MS = 15_000;
const AWAY = "workflow engine not available";
const TRIES = 3;
const TRIED_AGAIN_AFTER_MS = 500;
/** An outage that took longer to show will not be over in a moment. */
const PASSES_WITHIN_MS = 2_000;

interface Failure {
  error: string;
  code: ErrorCode;
  details?: string[];
}

/**
 * Tries one run after another. An error of one run, in words for the caller, does not touch the others. A short outage is
 * waited for, by as many tries as told. Once a server is away for longer, the remaining runs are not tried.
 */
export function attempting({ log, temporal }: Deps, most = TRIES) {
  let outage: unknown;
  const attempt = async <T>(act: () => Promise<T>): Promise<{ value: T } | Failure> => {
    for (let tries = 1; outage === undefined; tries++) {
      const since = Date.now();
      try {
        return { value: await answeringWithin(temporal, ITEM_WITHIN_MS, act) };
      } catch (error) {
        if (error instanceof Problem && !isOutage(error)) {
          const { message, code, details } = error;
          return { error: message, code, details };
        }
        log.error({ err: error }, "bulk item failed");
        if (!isOutage(error)) return { error: AWAY, code: "internal_error" };
        if (tries < most && Date.now() - since < PASSES_WITHIN_MS) await pauseFor(TRIED_AGAIN_AFTER_MS);
        else outage ??= error;
      }
    }
    return { error: AWAY, code: "unavailable" };
  };
  /** Throws the outage where nothing was done for it: what was asked for is not to blame. */
  const assertAny = (done: number): void => {
    if (outage !== undefined && done === 0) throw outage;
  };
  return { attempt, assertAny };
}
