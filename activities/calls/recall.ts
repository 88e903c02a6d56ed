import { setTimeout as pauseFor } from "node:timers/promises";
import type { Deps } from "../../src/deps.ts";
import { type PlayedRow, takePlayed } from "../../src/store/call-journal.ts";
import type { Activities, Recalled } from "../../workflows/activity-types.ts";
import { newsOf } from "../../workflows/attempt-input.ts";

/** It holds a workflow task, so a Postgres that is away is not waited for longer: then no call is made without being asked for. */
const ANSWER_WITHIN_MS = 5_000;
const PAUSE_MS = 100;

export const recall =
  ({ db }: Deps): Activities["recall"] =>
  async ({ run_id, execution, after }) => {
    const giveUpAt = Date.now() + ANSWER_WITHIN_MS;
    for (;;) {
      try {
        return (await takePlayed(db, run_id, execution, after)).map(recalled);
      } catch (error) {
        if (Date.now() > giveUpAt) throw error;
        await pauseFor(PAUSE_MS);
      }
    }
  };

function recalled({ played, outcome = {} }: PlayedRow): Recalled {
  if ("began" in played) return played;
  const { at, follows, random, ...due } = played;
  return { event: { ...newsOf(due, outcome), ...(random !== undefined && { random }), at }, follows };
}
