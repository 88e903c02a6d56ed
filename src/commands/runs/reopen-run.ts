import { WorkflowNotFoundError } from "@temporalio/client";
import { settleCommands } from "./settle-commands.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { noteReopening } from "../../store/runs.ts";
import { findVersion } from "../../store/workflow-versions.ts";
import { ends } from "../../temporal/ends.ts";
import { stored, type Unknown } from "../../temporal/in-time.ts";
import type { CommandPayload, Verb } from "../../../workflows/engine/command.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { commandSignals, type RunInput, TASK_QUEUE } from "../../../workflows/messages.ts";
import { webUiHeaders } from "../../../workflows/web-ui/headers.ts";
import { workflowTypeOf } from "../../../workflows/web-ui/workflow-type.ts";

/** How long Temporal may take to close a run that the mirror knows to be over. */
const CLOSES_WITHIN_SECS = 2;

/** Sends a command that reopens a closed run. The new execution loads the state itself. `unknown`: as for `stored`. */
export async function reopenRun(
  deps: Deps,
  row: RunRow,
  verb: Verb,
  payload: CommandPayload,
  unknown?: Unknown,
): Promise<void> {
  // Commands that it did not hear are settled by this end, not by the next one.
  if (isRunOver(row.status)) await settleCommands(deps, row);
  if (await isClosing(deps, row)) await ends(deps, row.id, CLOSES_WITHIN_SECS);
  if (!(await noteReopening(deps.db, row.id))) throw new Problem("not_found", "workflow run not found");
  const input: RunInput = { reopen: row.id };
  const definition = await findVersion(deps.db, row.workflow_version_id);
  const reopen = () =>
    deps.temporal.workflow.signalWithStart(workflowTypeOf(definition?.slug), {
      ...webUiHeaders(row, definition),
      workflowId: row.id,
      taskQueue: TASK_QUEUE,
      workflowIdReusePolicy: "ALLOW_DUPLICATE",
      args: [input],
      signal: commandSignals[verb],
      signalArgs: [payload],
    });
  await stored(deps.temporal, reopen, unknown);
}

/**
 * A run mirrors its end in its last workflow task, so its end is shown before Temporal has closed it. A signal that comes in
 * between makes the server refuse that task. It is then repeated, and the run hears the command before its quick steps, and not
 * after the end that was shown.
 */
async function isClosing({ temporal }: Deps, { id, finished_at }: RunRow): Promise<boolean> {
  if (finished_at === undefined) return false;
  try {
    const { status, startTime } = await temporal.workflow.getHandle(id).describe();
    // An execution that began later is a reopened one.
    return status.name === "RUNNING" && startTime.getTime() <= finished_at;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
