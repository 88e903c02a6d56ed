import { endFromOutside } from "./end-from-outside.ts";
import type { WorkflowRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnRun } from "../../queries/runs.ts";
import type { StoredRun } from "../../store/runs.ts";
import { ends } from "../../temporal/ends.ts";
import { type Whereabouts, whereabouts } from "../../temporal/whereabouts.ts";
import { cachedFor } from "../../time/cached-for.ts";
import { presentRun } from "../../views/run.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** A run whose row changed more recently is taken to be open, as the row says. */
const QUIET_FOR_MS = 5_000;
const ANSWER_WITHIN_MS = 500;

/**
 * The run as the mirror has it, after it has ended or `waitSecs` are over. The workflow is not asked: its state is mirrored before
 * its task ends, and before the command that led to the state is answered. Where Temporal has closed the run and its row is open all
 * the same, it has ended for Temporal alone, and its end is written.
 */
export async function getRun(deps: Deps, caller: Caller, run: string, waitSecs: number): Promise<WorkflowRun> {
  const row = await findOwnRun(deps, caller, run);
  const shown = isQuiet(row) ? await noticeEnd(deps, row, recentWhereabouts) : row;
  if (waitSecs === 0 || (isRunOver(shown.status) && !isReopening(shown))) return presentRun(deps, shown);
  const enough = AbortSignal.timeout(waitSecs * 1000);
  const hasEnded = await ends(deps, run, waitSecs).catch((err) => {
    deps.log.warn({ err, run }, "an end can't be waited for");
    return false;
  });
  const later = await findOwnRun(deps, caller, run);
  const then = hasEnded ? await noticeEnd(deps, later, whereaboutsNow) : later;
  if (isRunOver(then.status) || enough.aborted) return presentRun(deps, then);
  // Temporal does not know the run. An answer now would be asked for again at once, and for as long as that is so.
  await deps.notifications.newsOf(run, enough);
  return presentRun(deps, await findOwnRun(deps, caller, run));
}

/** A revision is the time of the change in microseconds, or 0 until the run has written something itself. */
const isQuiet = ({ created_at, revision }: RunRow): boolean =>
  Date.now() - Math.max(created_at, revision / 1000) >= QUIET_FOR_MS;

/** The clocks of PostgreSQL and of the workers may differ by so much. */
const CLOCKS_DIFFER_MS = 60_000;

/** It was asked to go on, and may not have written that it does. Temporal knows; a run that it has closed is answered at once. */
const isReopening = ({ reopened_at = 0, finished_at = 0 }: StoredRun): boolean =>
  reopened_at > finished_at - CLOCKS_DIFFER_MS;

/** A Temporal that does not answer is not waited for: then the row stays as it is. */
async function noticeEnd(
  deps: Deps,
  row: RunRow,
  ask: (deps: Deps, runId: string) => Promise<Whereabouts>,
): Promise<RunRow> {
  if (isRunOver(row.status)) return row;
  try {
    const known = await ask(deps, row.id);
    return known.is === "ended" ? await endFromOutside(deps, row.id, known.end) : row;
  } catch (err) {
    deps.log.warn({ err, run: row.id }, "whether a run has ended is not known");
    return row;
  }
}

const whereaboutsNow = (deps: Deps, runId: string) =>
  deps.temporal.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => whereabouts(deps, runId));

const recentWhereabouts = cachedFor(1_000, whereaboutsNow);
