import { status } from "@grpc/grpc-js";
import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import pMap from "p-map";
import { v7 as uuid } from "uuid";
import { type Accepted, accepted } from "../accepted.ts";
import { claimCommand } from "../repeated.ts";
import { outcomeOf } from "./await-outcome.ts";
import { endDeaf, notYetKnown } from "./end-deaf.ts";
import { NOT_CANCELED, settleCommands } from "./settle-commands.ts";
import { logged } from "../command-log.ts";
import type { DryRun, WorkflowRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { endFromOutside } from "../../queries/ended-outside.ts";
import { previewCommand } from "../../queries/preview-command.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { saveOutcome } from "../../store/commands.ts";
import { writeMirror } from "../../store/mirror.ts";
import { tellOfCommand } from "../../store/notices.ts";
import { findRun, listChildren } from "../../store/runs.ts";
import { askUntil, ends } from "../../temporal/query-run.ts";
import { whereabouts } from "../../temporal/whereabouts.ts";
import { presentRun } from "../../views/run.ts";
import type { CommandOutcome } from "../../../workflows/engine/command.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { type RunInput, runStateQuery, TASK_QUEUE, WORKFLOW_TYPE } from "../../../workflows/messages.ts";
import { webUiHeaders } from "../../../workflows/web-ui.ts";

const OVER = "workflow run already in terminal state";
const FAILED = "failed to cancel workflow run";

/** What was told to end is waited for. */
const QUIET_WITHIN_MS = 5_000;
const ASKED_EVERY_SECS = 1;
const CHILDREN_AT_ONCE = 16;

/** Temporal's own cancellation of the run's workflow. */
export function cancelRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  idempotencyKey?: string,
): Promise<Accepted | { run: WorkflowRun }> {
  return logged(deps, { verb: "cancel", run: runId, actor: caller.actor }, async () => {
    const row = await findOwnRun(deps, caller, runId);
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
  return previewCommand(deps, await findOwnRun(deps, caller, runId), { verb: "cancel", actor: caller.actor });
}

/**
 * Answers when nothing of the run can begin any more, nor of its sub-workflows. `cause` stays in the run's history. With the
 * same request id again, Temporal cancels once.
 */
export async function cancelOpenRun(
  deps: Deps,
  row: RunRow,
  { requestId = uuid(), cause }: { requestId?: string; cause?: string } = {},
): Promise<{ accepted: string } | { run: RunRow }> {
  if (isRunOver(row.status)) throw new Problem("invalid_state", OVER);
  const run = (await endedDeaf(deps, row)) ?? (await canceledItself(deps, row, requestId, cause));
  if (!run) return { accepted: requestId };
  if (run.status !== "canceled") throw new Problem("conflict", `${FAILED}: it ended as ${run.status} meanwhile`);
  const quiet = isQuiet(deps, run, Date.now() + QUIET_WITHIN_MS).catch((err) => {
    deps.log.warn({ err, runId: row.id }, "canceled, and nobody can say whether its sub-workflows have ended");
    return false;
  });
  return (await quiet) ? { run } : { accepted: requestId };
}

async function endedDeaf(deps: Deps, row: RunRow): Promise<RunRow | undefined> {
  const known = await whereabouts(deps, row.id);
  if (known.is === "ended") {
    await endFromOutside(deps, row.id, known.end);
    throw new Problem("invalid_state", OVER);
  }
  if (known.is === "unknown" && (await isYetToStart(deps, row))) {
    await start(deps, row);
    return undefined;
  }
  const run = await endDeaf(deps, row, known);
  if (!run && known.is === "unknown") throw notYetKnown();
  return run;
}

/** Undefined: no worker could say yet. */
function canceledItself(
  deps: Deps,
  row: RunRow,
  requestId: string,
  cause: string | undefined,
): Promise<RunRow | undefined> {
  return outcomeOf(deps, row.id, {
    send: () => requestCancel(deps, row.id, requestId, cause),
    look: () => mirroredEnd(deps, row.id),
    // Whatever comes to a run lets Temporal count the failures of its workflow task anew.
    ask: async () => (await askedEnd(deps, row.id)) ?? (await endDeaf(deps, row, await whereabouts(deps, row.id))),
  });
}

/** A sub-workflow is stored before its parent starts it. */
async function isYetToStart(deps: Deps, { parent_workflow_run_id, revision }: RunRow): Promise<boolean> {
  if (!parent_workflow_run_id || revision > 0) return false;
  return (await whereabouts(deps, parent_workflow_run_id)).is === "open";
}

/** In its parent's place, which then finds it started, and is told of its end. */
async function start({ temporal }: Deps, row: RunRow): Promise<void> {
  const input: RunInput = { reopen: row.id };
  try {
    await temporal.workflow.start(WORKFLOW_TYPE, {
      ...webUiHeaders(row),
      workflowId: row.id,
      taskQueue: TASK_QUEUE,
      workflowIdReusePolicy: "REJECT_DUPLICATE",
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/**
 * Temporal has closed the run, which it lets happen only after every sub-workflow was told, and so each of these. What was
 * scheduled and not begun when the run's end was mirrored can't begin then.
 */
async function isQuiet(deps: Deps, row: RunRow, before: number): Promise<boolean> {
  const { id, finished_at = Date.now() } = row;
  for (;;) {
    if (await ends(deps, id, ASKED_EVERY_SECS)) break;
    const known = await whereabouts(deps, id);
    if (known.is !== "open" || (await endDeaf(deps, row, known))) break;
    if (Date.now() >= before) return false;
  }
  const children = await listChildren(deps.db, id, finished_at);
  const quiet = await pMap(children, (child) => isQuiet(deps, child, before), { concurrency: CHILDREN_AT_ONCE });
  return quiet.every(Boolean);
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
  const answer = await askUntil(deps, runId, ({ run }) => isRunOver(run.status), runStateQuery);
  if (!answer) return undefined;
  await writeMirror(deps.db, [answer.unmirrored]).catch((error) => deps.log.warn({ error, runId }, "mirror is behind"));
  return answer.run;
}
