import { setTimeout as pauseFor } from "node:timers/promises";
import type { Deps } from "../../src/deps.ts";
import { type PlayedRow, takePlayed } from "../../src/store/call-journal.ts";
import type { Activities } from "../../workflows/activity-types.ts";
import type { Recalled } from "../../workflows/journal-types.ts";
import { newsOf } from "../../workflows/attempt-input.ts";
import { RECALLED_WITHIN_MS } from "../../workflows/timing.ts";

const PAUSE_MS = 100;

export const recall =
  ({ db }: Deps): Activities["recall"] =>
  async (of) => {
    const giveUpAt = Date.now() + RECALLED_WITHIN_MS;
    for (;;) {
      try {
        return (await takePlayed(db, of)).map(recalled);
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
