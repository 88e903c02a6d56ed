import { WorkflowNotFoundError } from "@temporalio/client";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { endFromOutside } from "./end-from-outside.ts";
import { isLost, lost, UNKNOWN } from "../../queries/lost-run.ts";
import { type Whereabouts, whereabouts } from "../../temporal/whereabouts.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

/** Fewer failures of a workflow task in a row may have causes that pass: a worker that dies, or is too busy. */
const STUCK_AFTER = 3;

/**
 * Ends a run that can't hear a command. If its workflow task keeps failing, it is terminated; if Temporal does not know it, only
 * its rows are ended. Undefined: it may hear. `why` is what whoever cancels it says, which Temporal keeps with the termination.
 */
export async function endDeaf(deps: Deps, row: RunRow, known: Whereabouts, why?: string): Promise<RunRow | undefined> {
  if (known.is === "unknown" && isLost(row))
    return endFromOutside(deps, row.id, { status: "canceled", error: UNKNOWN });
  if (known.is !== "open" || known.failures < STUCK_AFTER) return undefined;
  const reason = `its workflow task kept failing${why ? `: ${why}` : ""}`;
  try {
    await deps.temporal.workflow.getHandle(row.id).terminate(reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  return endFromOutside(deps, row.id, { status: "canceled", error: `terminated: ${reason}` });
}

/**
 * For a run whose row is open though Temporal takes no command for it: the row as the run has ended. Undefined: it is being started
 * or reopened at this moment.
 */
export async function endKnownToTemporal(deps: Deps, row: RunRow): Promise<RunRow | undefined> {
  const known = await whereabouts(deps, row.id);
  if (known.is === "ended") return endFromOutside(deps, row.id, known.end);
  if (known.is === "open" || !isLost(row)) return undefined;
  throw lost();
}

export const notYetKnown = () => new Problem("unavailable", "workflow run is not known to Temporal yet");
