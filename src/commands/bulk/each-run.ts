import { setTimeout as pauseFor } from "node:timers/promises";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { isOutage } from "../../outage.ts";

/** How many runs of one request are worked on at once. */
export const CONCURRENCY = 16;

/** Not the key of a request for that run alone. */
export const keyOfEach = (key: string | undefined) => key && `${key}/bulk`;

/** As long as a request for one run has: of one deadline for all, a busy Temporal would leave nothing for the last ones. */
const ITEM_WITHIN_MS = 15_000;
const AWAY = "workflow engine not available";
const TRIES = 3;
const TRIED_AGAIN_AFTER_MS = 500;
/** What took longer to fail will not pass in a moment. */
const PASSES_WITHIN_MS = 2_000;

/**
 * One bad id spoils nothing: its error, in words fit for the caller, is its own. What passes in a moment fails nobody; once a
 * server is away for longer, what comes after is not tried, and not waited for.
 */
export function attempting({ log, temporal }: Deps) {
  let isAway = false;
  return async <T>(act: () => Promise<T>): Promise<{ value: T } | { error: string; outage?: unknown }> => {
    for (let tries = 1; !isAway; tries++) {
      const since = Date.now();
      try {
        return { value: await temporal.withDeadline(Date.now() + ITEM_WITHIN_MS, act) };
      } catch (error) {
        if (error instanceof Problem && !isOutage(error)) return { error: error.message };
        log.error({ err: error }, "bulk item failed");
        if (!isOutage(error)) return { error: AWAY };
        if (tries < TRIES && Date.now() - since < PASSES_WITHIN_MS) await pauseFor(TRIED_AGAIN_AFTER_MS);
        else {
          isAway = true;
          return { error: AWAY, outage: error };
        }
      }
    }
    return { error: AWAY };
  };
}
