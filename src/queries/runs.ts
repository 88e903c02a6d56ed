import type { StepRun, StepStatus, WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { type Caller, own } from "../identity/caller.ts";
import { type ListPart, listPart, type PartRequest } from "./list-part.ts";
import { findRun, type StoredRun } from "../store/runs.ts";
import { findRunOfSteps } from "../store/steps.ts";
import { findVersion } from "../store/workflow-versions.ts";
import { ends } from "../temporal/ends.ts";
import { presentRun } from "../views/run.ts";
import { presentSteps } from "../views/step.ts";
import { enabledSteps, planOf } from "../../workflows/engine/plan.ts";
import type { StepRow } from "../../workflows/engine/mirror/rows.ts";
import { initialRun } from "../../workflows/engine/run.ts";
import { headerOf } from "../../workflows/engine/mirror/stored-run.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { stepRow } from "../../workflows/engine/mirror/view.ts";

const NOT_FOUND = "workflow run not found";

/** Another project's run is not found. */
export const ownRun = (caller: Caller, row: StoredRun | undefined): StoredRun => own(caller, row, NOT_FOUND);

/** The run's mirrored row. */
export const findOwnRun = async ({ db }: Deps, caller: Caller, runId: string): Promise<StoredRun> =>
  ownRun(caller, await findRun(db, runId));

/**
 * The run as the mirror has it, after it has ended or `waitSecs` are over. The workflow is not asked: its state is mirrored before
 * its task ends, and before the command that led to the state is answered.
 */
export async function getRun(deps: Deps, caller: Caller, row: StoredRun, waitSecs: number): Promise<WorkflowRun> {
  if (waitSecs === 0 || (isRunOver(row.status) && !isReopening(row))) return presentRun(deps, row);
  const { id: run } = row;
  await ends(deps, run, waitSecs).catch((err) => deps.log.warn({ err, run }, "an end can't be waited for"));
  return presentRun(deps, await findOwnRun(deps, caller, run));
}

/** The clocks of PostgreSQL and of the workers may differ by so much. */
const CLOCKS_DIFFER_MS = 60_000;

/** It was asked to go on, and may not have written that it does. Temporal knows; a run that it has closed is answered at once. */
const isReopening = ({ reopened_at = 0, finished_at = 0 }: StoredRun): boolean =>
  reopened_at > finished_at - CLOCKS_DIFFER_MS;

/** The steps in the order of the definition, those of these statuses if some are named. */
export async function listSteps(
  deps: Deps,
  caller: Caller,
  runId: string,
  { status, ...part }: PartRequest & { status?: StepStatus[] },
): Promise<ListPart<StepRun>> {
  const rows = await stepRows(deps, caller, runId);
  const asked = status ? rows.filter((row) => status.includes(row.status)) : rows;
  return listPart(asked, part, (some) => presentSteps(deps, some));
}

/** A step that has not changed since the run began is not mirrored yet. */
async function stepRows(deps: Deps, caller: Caller, runId: string): Promise<StepRow[]> {
  const run = own(caller, await findRunOfSteps(deps.db, runId), NOT_FOUND);
  const version = await findVersion(deps.db, run.workflow_version_id);
  const steps = enabledSteps(version?.steps ?? [], run.step_overrides);
  if (run.steps.length >= steps.length) return run.steps;
  const mirrored = new Map(run.steps.map((step) => [step.idx, step]));
  const begun = initialRun(planOf(headerOf(await findOwnRun(deps, caller, runId)), steps));
  return steps.map((_, i) => mirrored.get(i) ?? stepRow(begun, i));
}
