import { WorkflowNotFoundError } from "@temporalio/client";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { endFromOutside, isLost, lost, UNKNOWN } from "../../queries/ended-outside.ts";
import { type Whereabouts, whereabouts } from "../../temporal/whereabouts.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

/** So often in a row a workflow task may fail for reasons that pass: a worker that dies, or is too busy. */
const STUCK_AFTER = 3;

/**
 * Ends a run that hears nothing: terminated where its workflow task keeps failing, in the mirror alone where Temporal does
 * not know it. Undefined: it may hear.
 */
export async function endDeaf(deps: Deps, row: RunRow, known: Whereabouts): Promise<RunRow | undefined> {
  if (known.is === "unknown" && isLost(row))
    return endFromOutside(deps, row.id, { status: "canceled", error: UNKNOWN });
  if (known.is !== "open" || known.failures < STUCK_AFTER) return undefined;
  const reason = "its workflow task kept failing";
  try {
    await deps.temporal.workflow.getHandle(row.id).terminate(reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  return endFromOutside(deps, row.id, { status: "canceled", error: `terminated: ${reason}` });
}

/** Of a run that Temporal does not take a command for, though its row is open: as it has ended. */
export async function endKnownToTemporal(deps: Deps, row: RunRow): Promise<RunRow> {
  const known = await whereabouts(deps, row.id);
  if (known.is === "ended") return endFromOutside(deps, row.id, known.end);
  // Somebody has opened it again this moment, or it is just being started.
  if (known.is === "open" || !isLost(row)) throw notYetKnown();
  throw lost();
}

export const notYetKnown = () => new Problem("unavailable", "workflow run is not known to Temporal yet");
