import { status } from "@grpc/grpc-js";
import { isGrpcServiceError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { type Accepted, accepted } from "../accepted.ts";
import { claimCommand } from "../repeated.ts";
import { mirroredAfter } from "./await-outcome.ts";
import { NOT_CANCELED, settleCommands } from "./settle-commands.ts";
import { logged } from "../command-log.ts";
import type { DryRun, WorkflowRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { isOutage } from "../../outage.ts";
import { previewCommand } from "../../queries/preview-command.ts";
import { currentRun } from "../../queries/runs.ts";
import { saveOutcome } from "../../store/commands.ts";
import { writeMirror } from "../../store/mirror.ts";
import { tellOfCommand } from "../../store/notices.ts";
import { findRun } from "../../store/runs.ts";
import { askUntil } from "../../temporal/query-run.ts";
import { presentRun } from "../../views/run.ts";
import type { CommandOutcome } from "../../../workflows/engine/command.ts";
import type { RunRow } from "../../../workflows/engine/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { runQuery } from "../../../workflows/messages.ts";

const OVER = "workflow run already in terminal state";

/** Temporal's own cancellation of the run's workflow (contract §2.3). */
export function cancelRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  idempotencyKey?: string,
): Promise<Accepted | { run: WorkflowRun }> {
  return logged(deps, { verb: "cancel", run: runId, actor: caller.actor }, async () => {
    const row = await currentRun(deps, caller, runId);
    const command = { id: idempotencyKey ?? uuid(), verb: "cancel", actor: caller.actor };
    const canceled =
      idempotencyKey === undefined
        ? await cancelOpenRun(deps, row, { requestId: command.id })
        : await cancelOnce(deps, row, command);
    if ("accepted" in canceled) return accepted(deps, { run_id: runId, ...command });
    return { run: await presentRun(deps, canceled.run) };
  });
}

/** Under the same key again it has the same outcome, shown as the run is now. */
async function cancelOnce(deps: Deps, row: RunRow, command: { id: string; verb: string; actor: string }) {
  if (isRunOver(row.status)) await settleCommands(deps, row);
  const { isRepeated, outcome } = await claimCommand(deps, row, command.id, command);
  if (outcome?.status === "refused") throw refusal(outcome);
  const remember = (verdict: Pick<CommandOutcome, "status" | "code" | "message">) =>
    saveOutcome(deps.db, row.id, { ...command, at: Date.now(), ...verdict });
  // An earlier try got as far as that without being able to say so.
  if (outcome || (isRepeated && row.status === "canceled")) {
    await remember({ status: "applied" });
    return { run: row };
  }
  try {
    const canceled = await cancelOpenRun(deps, row, { requestId: command.id });
    if ("run" in canceled) await remember({ status: "applied" });
    return canceled;
  } catch (error) {
    if (error instanceof Problem && error.code === "invalid_state")
      await remember({ status: "refused", code: error.code, message: error.message });
    if (error instanceof Problem && error.code === "conflict") await remember(NOT_CANCELED);
    throw error;
  }
}

/** What would be canceled with the run. */
export async function previewCancel(deps: Deps, caller: Caller, runId: string): Promise<DryRun> {
  return previewCommand(deps, await currentRun(deps, caller, runId), { verb: "cancel", actor: caller.actor });
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
