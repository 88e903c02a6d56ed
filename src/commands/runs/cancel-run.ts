import { status } from "@grpc/grpc-js";
import { isGrpcServiceError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { mirroredAfter } from "./await-outcome.ts";
import { logged } from "../command-log.ts";
import type { WorkflowRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { isOutage } from "../../outage.ts";
import { currentRun } from "../../queries/runs.ts";
import { writeMirror } from "../../store/mirror.ts";
import { tellOfCommand } from "../../store/notices.ts";
import { findRun } from "../../store/runs.ts";
import { askUntil } from "../../temporal/query-run.ts";
import { presentRun } from "../../views/run.ts";
import type { RunRow } from "../../../workflows/engine/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { runQuery } from "../../../workflows/messages.ts";

const OVER = "workflow run already in terminal state";

/** Temporal's own cancellation of the run's workflow (contract §2.3). `accepted`: no worker was there to do it yet. */
export function cancelRun(
  deps: Deps,
  caller: Caller,
  runId: string,
): Promise<{ accepted: string } | { run: WorkflowRun }> {
  return logged(deps, { verb: "cancel", run: runId, actor: caller.actor }, async () => {
    const canceled = await cancelOpenRun(deps, await currentRun(deps, caller, runId));
    return "accepted" in canceled ? canceled : { run: await presentRun(deps, canceled.run) };
  });
}

/** `cause` stays in the run's history. With the same request id again, Temporal cancels once. */
export async function cancelOpenRun(
  deps: Deps,
  row: RunRow,
  { requestId = uuid(), cause }: { requestId?: string; cause?: string } = {},
): Promise<{ accepted: string } | { run: RunRow }> {
  if (isRunOver(row.status)) throw new Problem("invalid_state", OVER);
  let isStored = false;
  const send = async () => {
    await requestCancel(deps, row.id, requestId, cause);
    isStored = true;
  };
  const heard = async () =>
    (await mirroredAfter(deps, row.id, send, () => mirroredEnd(deps, row.id))) ?? (await askedEnd(deps, row.id));
  const run = await heard().catch((error) => {
    // Temporal has it, whatever is away now: it will take effect.
    if (isStored && isOutage(error)) return undefined;
    throw error;
  });
  if (!run) return { accepted: requestId };
  if (run.status !== "canceled") throw new Problem("conflict", "failed to cancel workflow run");
  return { run };
}

async function requestCancel({ db, log, temporal }: Deps, runId: string, requestId: string, reason?: string) {
  const { namespace, identity } = temporal.options;
  const workflowExecution = { workflowId: runId };
  try {
    const request = { namespace, identity, requestId, reason, workflowExecution };
    await temporal.workflowService.requestCancelWorkflowExecution(request);
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) throw new Problem("invalid_state", OVER);
    throw error;
  }
  tellOfCommand(db, runId, requestId).catch((error) => log.warn({ error, runId }, "workers are not told"));
}

async function mirroredEnd({ db }: Deps, runId: string): Promise<RunRow | undefined> {
  const row = await findRun(db, runId);
  return row && isRunOver(row.status) ? row : undefined;
}

/** As the run itself tells it. Undefined: no worker could say yet. */
async function askedEnd(deps: Deps, runId: string): Promise<RunRow | undefined> {
  const answer = await askUntil(deps, runId, ({ run }) => isRunOver(run.status), runQuery);
  if (!answer) return undefined;
  await writeMirror(deps.db, [answer.unmirrored]).catch((error) => deps.log.warn({ error, runId }, "mirror is behind"));
  return answer.run;
}
