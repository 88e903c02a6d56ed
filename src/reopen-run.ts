import type { Client } from "@temporalio/client";
import type { RunRow } from "../workflows/engine/rows.ts";
import {
  type CommandPayload,
  commandSignals,
  type RunInput,
  TASK_QUEUE,
  type Verb,
  WORKFLOW_TYPE,
} from "../workflows/messages.ts";
import { webUiHeaders } from "../workflows/web-ui.ts";

/** A command to a run that opens it again where it is closed: its new execution loads the state itself. */
export async function reopenRun(temporal: Client, row: RunRow, verb: Verb, payload: CommandPayload): Promise<void> {
  const input: RunInput = { reopen: row.id };
  await temporal.workflow.signalWithStart(WORKFLOW_TYPE, {
    ...webUiHeaders(row),
    workflowId: row.id,
    taskQueue: TASK_QUEUE,
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
    args: [input],
    signal: commandSignals[verb],
    signalArgs: [payload],
  });
}
