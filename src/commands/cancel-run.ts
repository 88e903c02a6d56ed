import { WorkflowNotFoundError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { runQuery } from "../../workflows/messages.ts";
import type { Caller } from "../caller.ts";
import type { WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { askUntil } from "../queries/ask.ts";
import { presentRun } from "../queries/present.ts";
import { currentRun } from "../queries/runs.ts";
import { writeMirror } from "../store/mirror.ts";

const OVER = "workflow run already in terminal state";

/** Temporal's own cancellation of the run's workflow (contract §2.3). `accepted`: no worker was there to do it yet. */
export async function cancelRun(
  deps: Deps,
  caller: Caller,
  runId: string,
): Promise<{ accepted: string } | { run: WorkflowRun }> {
  const { db, log, temporal } = deps;
  const row = await currentRun(deps, caller, runId);
  if (isRunOver(row.status)) throw new Problem("invalid_state", OVER);
  try {
    await temporal.workflow.getHandle(runId).cancel();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new Problem("invalid_state", OVER);
    throw error;
  }
  const answer = await askUntil(deps, runId, ({ run }) => isRunOver(run.status), runQuery);
  if (!answer) return { accepted: uuid() };
  await writeMirror(db, [answer.unmirrored]).catch((error) => log.warn({ error, runId }, "mirror is behind"));
  if (answer.run.status !== "canceled") throw new Problem("conflict", "failed to cancel workflow run");
  return { run: await presentRun(deps, answer.run) };
}
