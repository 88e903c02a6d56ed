import { tellCommand } from "../command-log.ts";
import { replay } from "./bulk-replay.ts";
import { assertMayEnd } from "../gates/assert-may-end.ts";
import { stepsFor } from "./steps-for.ts";
import { cancelOpenRun, causeOf, wasCanceledFor } from "../runs/cancel-open-run.ts";
import { steerRun } from "../runs/steer-run.ts";
import type { BulkItem, BulkOperationKind, BulkStepVerb } from "../../contract/bulk/operations.ts";
import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { isOutage } from "../../outage.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { findSelectedAncestor } from "../../store/bulk-operation-items.ts";
import { findCommand, listStepsTold } from "../../store/commands.ts";
import { findRun } from "../../store/runs.ts";
import { askRun } from "../../temporal/query-run.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { commandOutcomeQuery } from "../../../workflows/messages.ts";

export interface Action {
  operationId: string;
  operation: BulkOperationKind;
  stepRef?: string;
  /** When the operation was made, and its runs chosen. */
  since: number;
  /** The id of the action on this run. Under the same id, it is done once, however often it is tried. */
  commandId: string;
  /** There was an earlier try, and nobody knows how far it got. */
  repeated: boolean;
  /** An outage that this run alone meets for so long is its failure. */
  isLastTry: boolean;
  reason?: string;
  /** Of replay and retry. */
  version?: VersionPolicy;
}

export type Outcome = { status: "applied" | "skipped" | "failed" } & Pick<BulkItem, "code" | "error" | "new_run_id">;

/** How often to try an action that no worker takes up. Each try takes some seconds. */
const PATIENCE = 3;

/**
 * One action of a bulk operation on one run, done as the verb for a single run does it. What is wrong with the run becomes the
 * outcome. Only an outage is thrown: then the same action may be tried again.
 */
export async function actOnRun(deps: Deps, caller: Caller, runId: string, action: Action): Promise<Outcome> {
  const outcome = await outcomeOf(deps, caller, runId, action);
  // The other verbs tell theirs by themselves, and none where there was nothing to do.
  const told = outcome.code ?? outcome.status;
  if (action.operation === "cancel" && told !== "skipped")
    tellCommand(deps, { verb: "cancel", run: runId, actor: caller.actor }, told);
  return outcome;
}

async function outcomeOf(deps: Deps, caller: Caller, runId: string, action: Action): Promise<Outcome> {
  try {
    for (let tries = 0; tries < PATIENCE; tries++) {
      const outcome = await act(deps, caller, runId, { ...action, repeated: action.repeated || tries > 0 });
      if (outcome) return outcome;
    }
    const error = "no worker has taken it up yet: it is stored, and takes effect once";
    return { status: "failed", code: "unavailable", error };
  } catch (error) {
    // As a Problem, it says that the outcome of a request for this run is not known.
    if (isOutage(error) && !(error instanceof Problem && action.isLastTry)) throw error;
    if (error instanceof Problem) return (await endedMeanwhile(deps, runId, action, error)) ?? failed(error);
    deps.log.error({ err: error, run: runId, actor: caller.actor, operation: action.operation }, "bulk item failed");
    return { status: "failed", code: "internal_error", error: "internal error" };
  }
}

const failed = ({ code, message }: Problem): Outcome => ({ status: "failed", code, error: message });

/** A run that was open when it was chosen, and has ended by itself since, is skipped and not failed. */
async function endedMeanwhile(
  { db }: Deps,
  runId: string,
  action: Action,
  { code }: Problem,
): Promise<Outcome | undefined> {
  if (code === "not_found") return undefined;
  const { status, finished_at = 0 } = (await findRun(db, runId)) ?? {};
  if (action.operation === "replay" || action.operation === "retry" || finished_at < action.since) return undefined;
  return { status: "skipped", code: "invalid_state", error: `workflow run ended as ${status} meanwhile` };
}

/** Undefined: no worker could tell the outcome yet. */
async function act(deps: Deps, caller: Caller, runId: string, action: Action): Promise<Outcome | undefined> {
  switch (action.operation) {
    case "replay":
      return { ...APPLIED, new_run_id: await replay(deps, caller, runId, action.commandId, action.version) };
    case "cancel":
      return cancel(deps, caller, runId, action);
    case "pause":
    case "resume":
      return steer(deps, caller, runId, action.operation, action);
    case "retry":
    case "approve":
    case "reject":
    case "skip":
      return steerSteps(deps, caller, runId, action.operation, action);
  }
}

const APPLIED: Outcome = { status: "applied" };
const SKIPPED: Outcome = { status: "skipped" };

/**
 * A sub-workflow whose parent is to be canceled as well ends with the parent: canceled first, it would make the parent fail. The
 * outcome of the parent's cancellation is told by the parent's own item.
 */
async function canceledWithParent(deps: Deps, caller: Caller, run: RunRow, action: Action): Promise<boolean> {
  if (!run.parent_workflow_run_id) return false;
  const ancestor = await findSelectedAncestor(deps.db, action.operationId, run.id);
  if (ancestor === undefined) return false;
  await cancel(deps, caller, ancestor, action).catch((error) => {
    if (!(error instanceof Problem)) throw error;
  });
  const { status, finished_at = 0 } = await findOwnRun(deps, caller, run.id);
  return status === "canceled" && finished_at >= action.since;
}

async function cancel(deps: Deps, caller: Caller, runId: string, action: Action): Promise<Outcome | undefined> {
  const { commandId, reason } = action;
  const run = await findOwnRun(deps, caller, runId);
  if (await canceledWithParent(deps, caller, run, action)) return APPLIED;
  await assertMayEnd(deps, caller, run);
  const canceled = await cancelOpenRun(deps, run, { requestId: commandId, actor: caller.actor, reason }).catch(
    (error) => {
      if (error instanceof Problem && error.code === "invalid_state") return { refused: error };
      throw error;
    },
  );
  if (!("refused" in canceled)) return "accepted" in canceled ? undefined : APPLIED;
  if ((await findOwnRun(deps, caller, runId)).status !== "canceled") throw canceled.refused;
  // An earlier try of this very action may have ended it.
  return action.repeated && (await wasCanceledFor(deps, runId, causeOf({ requestId: commandId, reason })))
    ? APPLIED
    : SKIPPED;
}

async function steer(
  deps: Deps,
  caller: Caller,
  runId: string,
  verb: "pause" | "resume",
  { commandId, reason, repeated }: Action,
): Promise<Outcome | undefined> {
  const isDone = ({ status }: RunRow) => status === (verb === "pause" ? "paused" : "running");
  // Only commands pause and resume, and their effect is mirrored before they are answered.
  if (isDone(await findOwnRun(deps, caller, runId)))
    if (!repeated || !(await wasSteeredBy(deps, runId, commandId))) return SKIPPED;
  const steered = await steerRun(deps, caller, { runId, verb, reason, commandId });
  return "accepted" in steered ? undefined : APPLIED;
}

/** Under a command of its own for each step. Those that an earlier try was about count as well: they may be as wanted by now. */
async function steerSteps(
  deps: Deps,
  caller: Caller,
  runId: string,
  verb: BulkStepVerb,
  { commandId, stepRef, reason, version, repeated }: Action,
): Promise<Outcome | undefined> {
  const run = await findOwnRun(deps, caller, runId);
  const told = repeated ? await listStepsTold(deps.db, runId, `${commandId}/`) : [];
  const steps = new Set(told);
  if (told.length === 0 || verb === "retry") for (const ref of await stepsFor(deps, run, verb, stepRef)) steps.add(ref);
  for (const step of steps) {
    const steered = await steerRun(deps, caller, {
      runId,
      verb,
      stepRef: step,
      reason,
      payloads: { version },
      commandId: `${commandId}/${step}`,
    });
    if ("accepted" in steered) return undefined;
  }
  return steps.size > 0 ? APPLIED : SKIPPED;
}

async function wasSteeredBy(deps: Deps, runId: string, commandId: string): Promise<boolean> {
  if (await findCommand(deps.db, runId, commandId)) return true;
  return Boolean(await askRun(deps, runId, commandOutcomeQuery, commandId));
}
