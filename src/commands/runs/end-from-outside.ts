import { WorkflowNotFoundError } from "@temporalio/client";
import type { SignalDefinition } from "@temporalio/common";
import { mirrorRows } from "../mirror-rows.ts";
import type { Deps } from "../../deps.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { findRun, listChildren } from "../../store/runs.ts";
import { listStepRows } from "../../store/steps.ts";
import { now } from "../../time/clock.ts";
import type { RunEnd } from "../../../workflows/engine/events.ts";
import { evolve } from "../../../workflows/engine/evolve.ts";
import { childRunId } from "../../../workflows/engine/ids.ts";
import { takeUnmirrored } from "../../../workflows/engine/mirror/mirroring.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { childEndedSignal, parentClosedSignal } from "../../../workflows/messages.ts";

/**
 * Writes the end of a run that can't mirror it any more, by the engine's own rules: its steps and waits end with it, and what it
 * held is free again. Its sub-workflows and its parent are told, as the run would have told them. If the run has mirrored its own
 * end meanwhile, that one stays.
 */
export async function endFromOutside(deps: Deps, runId: string, end: RunEnd): Promise<RunRow> {
  const row = await findRun(deps.db, runId);
  if (!row) throw new Error(`run ${runId} is not stored`);
  if (isRunOver(row.status)) return row;
  const run = evolve(await mirroredRun(deps, row), { type: "ended_outside", at: now(), ...end });
  const rows = takeUnmirrored(run);
  await mirrorRows(deps, [rows]);
  // What a failed run tells may be what an endpoint said.
  const reason = end.status === "failed" ? undefined : end.error;
  deps.log.warn({ run: runId, status: end.status, reason }, "run was ended from outside");
  await tellChildren(deps, rows.run);
  await tellParent(deps, rows.run);
  return rows.run;
}

async function tellChildren(deps: Deps, { id, created_at }: RunRow): Promise<void> {
  const open = (await listChildren(deps.db, id, created_at)).filter(({ status }) => !isRunOver(status));
  for (const child of open) {
    // A sub-workflow that Temporal does not know is ended here as well, with its own sub-workflows.
    if (!(await tell(deps, child.id, parentClosedSignal, { status: "canceled" })))
      await endFromOutside(deps, child.id, { status: "canceled", error: "parent workflow canceled" });
  }
}

/** A sub-workflow that its parent has reopened names the generation of the parent's step that waits for it. */
async function tellParent(deps: Deps, { id, status, error, ...row }: RunRow): Promise<void> {
  const { parent_workflow_run_id: parent, parent_step_run_id: stepRun } = row;
  if (!parent) return;
  const step = (await listStepRows(deps.db, parent)).find((row) => row.id === stepRun);
  const life = !step || childRunId(parent, step.idx, step.generation) === id ? undefined : step.generation;
  await tell(deps, parent, childEndedSignal, { child_run_id: id, status, error, life });
}

/** False if Temporal knows no open run of this id: then nobody needs to be told. */
async function tell<Arg>(deps: Deps, runId: string, signal: SignalDefinition<[Arg]>, arg: Arg): Promise<boolean> {
  try {
    await deps.temporal.workflow.getHandle(runId).signal(signal, arg);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
