import type { Deps } from "../../deps.ts";
import { countOldEvents, deleteOldEvents } from "../../store/events/event-lists.ts";
import { settleOffers } from "../../store/events/held-events.ts";

/** Of one statement: what it locks is free again in a moment. */
const BATCH = 1_000;

/** Deletes the project's waits and held events that are over, and were begun so long ago. Runs and steps keep what they received. */
export async function purgeEvents({ db }: Deps, projectId: string, days: number): Promise<{ deleted: number }> {
  await settleOffers(db, projectId);
  let deleted = 0;
  for (;;) {
    const { shown, more } = await deleteOldEvents(db, projectId, days, BATCH);
    deleted += shown;
    if (!more) return { deleted };
  }
}

export async function previewPurge({ db }: Deps, projectId: string, days: number) {
  return { dry_run: true as const, would_delete: await countOldEvents(db, projectId, days) };
}
