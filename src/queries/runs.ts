import type { StepRun, StepStatus } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { type Caller, own } from "../identity/caller.ts";
import { type ListPart, listPart, type PartRequest } from "./list-part.ts";
import { findRun, type StoredRun } from "../store/runs.ts";
import { findRunOfSteps } from "../store/steps.ts";
import { findVersion } from "../store/workflow-versions.ts";
import { presentSteps } from "../views/step.ts";
import { enabledSteps } from "../../workflows/engine/plan.ts";
import type { StepRow } from "../../workflows/engine/mirror/rows.ts";
import { untouchedRow } from "../../workflows/engine/mirror/view.ts";

const NOT_FOUND = "workflow run not found";

/** Another project's run is not found. */
export const ownRun = (caller: Caller, row: StoredRun | undefined): StoredRun => own(caller, row, NOT_FOUND);

/** The run's mirrored row. */
export const findOwnRun = async ({ db }: Deps, caller: Caller, runId: string): Promise<StoredRun> =>
  ownRun(caller, await findRun(db, runId));

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
  return steps.map((step, i) => mirrored.get(i) ?? untouchedRow(run, step, i));
}
