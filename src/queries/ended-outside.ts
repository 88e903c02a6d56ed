import { WorkflowNotFoundError } from "@temporalio/client";
import type { SignalDefinition } from "@temporalio/common";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { writeMirror } from "../store/mirror.ts";
import { recently } from "../store/recent.ts";
import { findRun, listChildren } from "../store/runs.ts";
import { listStepRows } from "../store/steps.ts";
import { whereabouts } from "../temporal/whereabouts.ts";
import type { RunEnd } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import { childRunId } from "../../workflows/engine/ids.ts";
import { takeUnmirrored } from "../../workflows/engine/mirror/mirroring.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { childEndedSignal, parentClosedSignal } from "../../workflows/messages.ts";

export const UNKNOWN = "workflow run is unknown to Temporal";

/** A run is stored after Temporal has it, a sub-workflow a moment before. */
const STARTED_WITHIN_MS = 10_000;

/** Of a run that Temporal does not know. */
export const isLost = ({ created_at }: RunRow): boolean => Date.now() - created_at > STARTED_WITHIN_MS;

/** What a command to a lost run is answered, unless it is the one that ends it. */
export const lost = () => new Problem("conflict", `${UNKNOWN}: DELETE ends it, and frees what it holds`);

/** What changed a moment ago has not been lost. */
const QUIET_FOR_MS = 5_000;
const ANSWER_WITHIN_MS = 500;

/**
 * Ends in the mirror a run that can't do it itself, by the engine's own rules: its steps and waits end with it, and what it
 * held is free again. Its sub-workflows and its parent are told, as it would have told them. A run that has mirrored its own
 * end meanwhile keeps that.
 */
export async function endFromOutside(deps: Deps, runId: string, end: RunEnd): Promise<RunRow> {
  const row = await findRun(deps.db, runId);
  if (!row) throw new Error(`run ${runId} is not stored`);
  if (isRunOver(row.status)) return row;
  const run = evolve(await mirroredRun(deps, row), { type: "ended_outside", at: Date.now(), ...end });
  const rows = takeUnmirrored(run);
  await writeMirror(deps.db, [rows]);
  deps.log.warn({ runId, status: end.status, reason: end.error }, "run was ended from outside");
  await tellChildren(deps, rows.run);
  await tellParent(deps, rows.run);
  return rows.run;
}

async function tellChildren(deps: Deps, { id, created_at }: RunRow): Promise<void> {
  const open = (await listChildren(deps.db, id, created_at)).filter(({ status }) => !isRunOver(status));
  for (const child of open) {
    // One that is lost as well ends here, and its own sub-workflows with it.
    if (!(await tell(deps, child.id, parentClosedSignal, { status: "canceled" })))
      await endFromOutside(deps, child.id, { status: "canceled", error: "parent workflow canceled" });
  }
}

/** A sub-workflow that its parent has opened again names the life of the parent's step that waits for it. */
async function tellParent(deps: Deps, { id, status, error, ...row }: RunRow): Promise<void> {
  const { parent_workflow_run_id: parent, parent_step_run_id: stepRun } = row;
  if (!parent) return;
  const step = (await listStepRows(deps.db, parent)).find((row) => row.id === stepRun);
  const life = !step || childRunId(parent, step.idx, step.generation) === id ? undefined : step.generation;
  await tell(deps, parent, childEndedSignal, { child_run_id: id, status, error, life });
}

/** False where Temporal does not know the run, or not as open: then it needs no telling. */
async function tell<Arg>(deps: Deps, runId: string, signal: SignalDefinition<[Arg]>, arg: Arg): Promise<boolean> {
  try {
    await deps.temporal.workflow.getHandle(runId).signal(signal, arg);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/**
 * A run that is shown as open and has not changed for a while: as it ended, where it has ended for Temporal. Who reads does
 * not wait for that: while Temporal does not answer, the row is shown as it is.
 */
export async function withUnseenEnd(deps: Deps, row: RunRow): Promise<RunRow> {
  if (isRunOver(row.status) || Date.now() - changedAt(row) < QUIET_FOR_MS) return row;
  try {
    const known = await recentWhereabouts(deps, row.id);
    return known.is === "ended" ? await endFromOutside(deps, row.id, known.end) : row;
  } catch (err) {
    deps.log.warn({ err, runId: row.id }, "whether a run has ended is not known");
    return row;
  }
}

const recentWhereabouts = recently((deps: Deps, runId) =>
  deps.temporal.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => whereabouts(deps, runId)),
);

/** Revisions grow with time: they are microseconds, and 0 before the run has written anything itself. */
const changedAt = ({ created_at, revision }: RunRow): number => Math.max(created_at, revision / 1000);
