import { isGrpcServiceError } from "@temporalio/client";
import { status } from "@grpc/grpc-js";
import { v7 as uuid } from "uuid";
import type { RunRow } from "../../workflows/engine/rows.ts";
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
  const canceled = await cancelOpenRun(deps, await currentRun(deps, caller, runId));
  return "accepted" in canceled ? canceled : { run: await presentRun(deps, canceled.run) };
}

/** `cause` stays in the run's history. With the same request id again, Temporal cancels once. */
export async function cancelOpenRun(
  deps: Deps,
  row: RunRow,
  { requestId = uuid(), cause }: { requestId?: string; cause?: string } = {},
): Promise<{ accepted: string } | { run: RunRow }> {
  const { db, log, temporal } = deps;
  if (isRunOver(row.status)) throw new Problem("invalid_state", OVER);
  const { namespace, identity } = temporal.options;
  try {
    await temporal.workflowService.requestCancelWorkflowExecution({
      namespace,
      identity,
      requestId,
      reason: cause,
      workflowExecution: { workflowId: row.id },
    });
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) throw new Problem("invalid_state", OVER);
    throw error;
  }
  const answer = await askUntil(deps, row.id, ({ run }) => isRunOver(run.status), runQuery);
  if (!answer) return { accepted: requestId };
  await writeMirror(db, [answer.unmirrored]).catch((error) => log.warn({ error, runId: row.id }, "mirror is behind"));
  if (answer.run.status !== "canceled") throw new Problem("conflict", "failed to cancel workflow run");
  return { run: answer.run };
}
