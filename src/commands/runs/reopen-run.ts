import { WorkflowNotFoundError } from "@temporalio/client";
import { settleCommands } from "./settle-commands.ts";
import type { Deps } from "../../deps.ts";
import { ends } from "../../temporal/query-run.ts";
import type { CommandPayload, Verb } from "../../../workflows/engine/command.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { commandSignals, type RunInput, TASK_QUEUE, WORKFLOW_TYPE } from "../../../workflows/messages.ts";
import { webUiHeaders } from "../../../workflows/web-ui.ts";

/** How long Temporal may take to close a run that the mirror knows to be over. */
const CLOSES_WITHIN_SECS = 2;

/** A command to a run that opens it again where it is closed: its new execution loads the state itself. */
export async function reopenRun(deps: Deps, row: RunRow, verb: Verb, payload: CommandPayload): Promise<void> {
  // Its next end will be another one.
  if (isRunOver(row.status)) await settleCommands(deps, row);
  if (await isClosing(deps, row)) await ends(deps, row.id, CLOSES_WITHIN_SECS);
  const input: RunInput = { reopen: row.id };
  await deps.temporal.workflow.signalWithStart(WORKFLOW_TYPE, {
    ...webUiHeaders(row),
    workflowId: row.id,
    taskQueue: TASK_QUEUE,
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
    args: [input],
    signal: commandSignals[verb],
    signalArgs: [payload],
  });
}

/**
 * The end of a run is mirrored in its last workflow task, and so is known before Temporal has closed it. A signal in
 * between makes the server refuse that task: when it is made again, the run hears the command before its quick steps,
 * and not after the end that was shown.
 */
async function isClosing({ temporal }: Deps, { id, finished_at }: RunRow): Promise<boolean> {
  if (finished_at === undefined) return false;
  try {
    const { status, startTime } = await temporal.workflow.getHandle(id).describe();
    // One that began later is open again.
    return status.name === "RUNNING" && startTime.getTime() <= finished_at;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
