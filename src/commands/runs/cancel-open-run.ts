import { status } from "@grpc/grpc-js";
import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import pMap from "p-map";
import { accepted } from "../accepted.ts";
import { outcomeOf } from "./await-outcome.ts";
import { endDeaf, notYetKnown } from "./end-deaf.ts";
import { mirrorRows } from "../mirror-rows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { maybeStored } from "../../outage.ts";
import { endFromOutside } from "./end-from-outside.ts";
import { tellOfCommand } from "../../store/postgres/notifications.ts";
import { findRun, listChildren } from "../../store/runs.ts";
import { findVersion } from "../../store/workflow-versions.ts";
import { ends } from "../../temporal/ends.ts";
import { askUntil } from "../../temporal/query-run.ts";
import { lookedFor, stored } from "../../temporal/in-time.ts";
import { whereabouts } from "../../temporal/whereabouts.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { type RunInput, runStateQuery, TASK_QUEUE } from "../../../workflows/messages.ts";
import { webUiHeaders } from "../../../workflows/web-ui/headers.ts";
import { workflowTypeOf } from "../../../workflows/web-ui/workflow-type.ts";

const OVER = "workflow run already in terminal state";
const FAILED = "failed to cancel workflow run";

/** How long to wait until everything that was told to end has ended. */
const QUIET_WITHIN_MS = 5_000;
/** So long a Temporal that is silent is listened to. The run is canceled, and who asked hears that, whatever hangs. */
const TOLD_WITHIN_MS = 8_000;
const ASKED_EVERY_SECS = 1;
const CHILDREN_AT_ONCE = 16;

interface Cancellation {
  actor: string;
  /** Temporal takes the same one once. */
  requestId: string;
  reason?: string;
}

/** Is kept in the run's history, and tells whose cancellation it was. */
export const causeOf = ({ requestId, reason }: Pick<Cancellation, "requestId" | "reason">): string =>
  reason === undefined ? requestId : `${requestId}: ${reason}`;

/** Cancels a run, and answers once nothing in it or in its sub-workflows can begin any more. */
export async function cancelOpenRun(
  deps: Deps,
  row: RunRow,
  cancellation: Cancellation,
): Promise<{ accepted: string } | { run: RunRow }> {
  const { actor, requestId, reason } = cancellation;
  if (isRunOver(row.status)) throw new Problem("invalid_state", OVER);
  // Whoever reads the canceled run is told by whom, and why.
  await accepted(deps, { run_id: row.id, id: requestId, verb: "cancel", actor, reason });
  const run = await canceledFor(deps, row, cancellation);
  if (!run) return { accepted: requestId };
  if (run.status !== "canceled") throw new Problem("conflict", `${FAILED}: it ended as ${run.status} meanwhile`);
  const quiet = isQuietInTime(deps, run, reason).catch((err) => {
    deps.log.warn({ err, run: row.id }, "canceled, and nobody can say whether its sub-workflows have ended");
    return false;
  });
  return (await quiet) ? { run } : { accepted: requestId };
}

/** Whether a run whose cancellation was accepted is canceled by now, and nothing in it can begin any more. */
export async function isCanceledByNow(deps: Deps, runId: string): Promise<boolean> {
  const run = await mirroredEnd(deps, runId);
  return run?.status === "canceled" && isQuietInTime(deps, run);
}

/** Undefined: no worker could tell yet. */
async function canceledFor(deps: Deps, row: RunRow, cancellation: Cancellation): Promise<RunRow | undefined> {
  try {
    return (await endedDeaf(deps, row, cancellation)) ?? (await canceledItself(deps, row, cancellation));
  } catch (error) {
    // Sent twice at once, it may have been canceled by the other one.
    const isOver = error instanceof Problem && error.code === "invalid_state";
    if (!isOver || !(await wasCanceledFor(deps, row.id, causeOf(cancellation)))) throw error;
    return mirroredEnd(deps, row.id);
  }
}

/** Whether this cancellation is in the run's history. */
export async function wasCanceledFor({ temporal }: Deps, runId: string, cause: string): Promise<boolean> {
  const { events } = await temporal.workflow
    .getHandle(runId)
    .fetchHistory()
    .catch((error) => {
      // Temporal deletes runs that ended long ago.
      if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) return { events: [] };
      throw error;
    });
  return (events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes?.cause === cause);
}

async function endedDeaf(deps: Deps, row: RunRow, { reason }: Cancellation): Promise<RunRow | undefined> {
  const known = await whereabouts(deps, row.id);
  if (known.is === "ended") {
    await endFromOutside(deps, row.id, known.end);
    throw new Problem("invalid_state", OVER);
  }
  if (known.is === "unknown" && (await isYetToStart(deps, row))) {
    await start(deps, row);
    return undefined;
  }
  const run = await endDeaf(deps, row, known, reason);
  if (!run && known.is === "unknown") throw notYetKnown();
  return run;
}

/** Undefined: no worker could tell yet. */
function canceledItself(deps: Deps, row: RunRow, cancellation: Cancellation): Promise<RunRow | undefined> {
  const { requestId, reason } = cancellation;
  return outcomeOf(deps, row.id, {
    send: () => requestCancel(deps, row.id, requestId, causeOf(cancellation)),
    look: () => mirroredEnd(deps, row.id),
    // The failures are read only now: for a run that is sent something, Temporal begins to count them anew.
    ask: async () =>
      (await askedEnd(deps, row.id)) ?? (await endDeaf(deps, row, await whereabouts(deps, row.id), reason)),
  });
}

/** A sub-workflow is stored before its parent starts it. */
async function isYetToStart(deps: Deps, { parent_workflow_run_id, revision }: RunRow): Promise<boolean> {
  if (!parent_workflow_run_id || revision > 0) return false;
  return (await whereabouts(deps, parent_workflow_run_id)).is === "open";
}

/** Starts a sub-workflow in place of its parent, which then finds it started and hears of its end. */
async function start({ db, temporal }: Deps, row: RunRow): Promise<void> {
  const input: RunInput = { reopen: row.id };
  const definition = await findVersion(db, row.workflow_version_id);
  try {
    await temporal.workflow.start(workflowTypeOf(definition?.slug), {
      ...webUiHeaders(row, definition),
      workflowId: row.id,
      taskQueue: TASK_QUEUE,
      workflowIdReusePolicy: "REJECT_DUPLICATE",
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

const isQuietInTime = (deps: Deps, row: RunRow, reason?: string): Promise<boolean> =>
  lookedFor(isQuiet(deps, row, Date.now() + QUIET_WITHIN_MS, reason), TOLD_WITHIN_MS);

/**
 * Whether Temporal has closed the run and each of its sub-workflows. A run closes after all of its sub-workflows were told to end.
 * An activity that was scheduled but had not begun can't begin after that.
 */
async function isQuiet(deps: Deps, row: RunRow, before: number, reason?: string): Promise<boolean> {
  const { id, finished_at = Date.now() } = row;
  for (;;) {
    if (await ends(deps, id, ASKED_EVERY_SECS)) break;
    const known = await whereabouts(deps, id);
    if (known.is !== "open" || (await endDeaf(deps, row, known, reason))) break;
    if (Date.now() >= before) return false;
  }
  const children = await listChildren(deps.db, id, finished_at);
  const quiet = await pMap(children, (child) => isQuiet(deps, child, before, reason), {
    concurrency: CHILDREN_AT_ONCE,
  });
  return quiet.every(Boolean);
}

async function requestCancel(
  { db, log, temporal }: Deps,
  runId: string,
  requestId: string,
  reason: string,
): Promise<undefined> {
  const { namespace, identity } = temporal.options;
  const workflowExecution = { workflowId: runId };
  try {
    const request = { namespace, identity, requestId, reason, workflowExecution };
    const send = () => temporal.workflowService.requestCancelWorkflowExecution(request);
    await stored(temporal, send, maybeStored(requestId));
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) throw new Problem("invalid_state", OVER);
    throw error;
  }
  tellOfCommand(db, runId, requestId).catch((error) => log.warn({ error, run: runId }, "workers are not told"));
}

async function mirroredEnd({ db }: Deps, runId: string): Promise<RunRow | undefined> {
  const row = await findRun(db, runId);
  return row && isRunOver(row.status) ? row : undefined;
}

/** The end as the run tells it. Undefined: no worker could tell yet. */
async function askedEnd(deps: Deps, runId: string): Promise<RunRow | undefined> {
  const answer = await askUntil(deps, runId, ({ run }) => isRunOver(run.status), runStateQuery);
  if (!answer) return undefined;
  await mirrorRows(deps, [answer.unmirrored]).catch((error) =>
    deps.log.warn({ error, run: runId }, "mirror is behind"),
  );
  return answer.run;
}
