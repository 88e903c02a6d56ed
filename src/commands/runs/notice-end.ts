import { endFromOutside } from "./end-from-outside.ts";
import type { Deps } from "../../deps.ts";
import { whereabouts } from "../../temporal/whereabouts.ts";
import { cachedFor } from "../../time/cached-for.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** A run whose row changed more recently is taken to be open, as the row says. */
const QUIET_FOR_MS = 5_000;
const ANSWER_WITHIN_MS = 500;

/**
 * To be called before a run is shown. If its row is open and has not changed for a while, and Temporal has closed the run, its end
 * is written. A Temporal that does not answer is not waited for: then the row stays as it is.
 */
export async function noticeEnd(deps: Deps, row: RunRow): Promise<RunRow> {
  if (isRunOver(row.status) || Date.now() - changedAt(row) < QUIET_FOR_MS) return row;
  try {
    const known = await recentWhereabouts(deps, row.id);
    return known.is === "ended" ? await endFromOutside(deps, row.id, known.end) : row;
  } catch (err) {
    deps.log.warn({ err, run: row.id }, "whether a run has ended is not known");
    return row;
  }
}

const recentWhereabouts = cachedFor(1_000, (deps: Deps, runId) =>
  deps.temporal.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => whereabouts(deps, runId)),
);

/** A revision is the time of the change in microseconds, or 0 until the run has written something itself. */
const changedAt = ({ created_at, revision }: RunRow): number => Math.max(created_at, revision / 1000);
