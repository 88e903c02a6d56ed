import type { Cursor } from "../contract/cursor.ts";
import type { JobRun, RunStatus, StepRun, WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import { withUnseenEnd } from "./ended-outside.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { findJobRun } from "../store/job-runs.ts";
import { findJob } from "../store/jobs.ts";
import { listRuns as listRunRows } from "../store/run-lists.ts";
import { findRun } from "../store/runs.ts";
import { listStepRows } from "../store/steps.ts";
import { askRun, ends } from "../temporal/query-run.ts";
import { presentJobRun, presentRun, presentRuns, presentSteps } from "../views/run.ts";
import type { RunRow } from "../../workflows/engine/rows.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { stepRow } from "../../workflows/engine/view.ts";
import { runQuery, stepsQuery } from "../../workflows/messages.ts";

const NOT_FOUND = "workflow run not found";

/** The run's mirrored row. Another project's run is not found (contract §1). */
export async function findOwnRun({ db }: Deps, caller: Caller, runId: string): Promise<RunRow> {
  const row = await findRun(db, runId);
  if (!row) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, row.project_id, NOT_FOUND);
  return row;
}

/** The run as it is this moment: an open one is asked, a closed one does not change. */
export async function currentRun(deps: Deps, caller: Caller, runId: string): Promise<RunRow> {
  return asItIs(deps, await findOwnRun(deps, caller, runId));
}

const asItIs = async (deps: Deps, row: RunRow): Promise<RunRow> =>
  isRunOver(row.status) ? row : ((await askRun(deps, row.id, runQuery))?.run ?? row);

/** As it is now, or once it has ended within `waitSecs`. */
export async function getRun(deps: Deps, caller: Caller, runId: string, waitSecs: number): Promise<WorkflowRun> {
  let row = await withUnseenEnd(deps, await findOwnRun(deps, caller, runId));
  if (waitSecs > 0 && !isRunOver(row.status)) {
    await ends(deps, runId, waitSecs);
    row = await findOwnRun(deps, caller, runId);
  }
  // What becomes of a command is mirrored before its caller hears of it, and nothing else ends a pause but the end of the
  // run: that shows as soon as it is mirrored.
  return presentRun(deps, row.status === "paused" ? row : await asItIs(deps, row));
}

/** All steps in the order of the definition. */
export async function listSteps(deps: Deps, caller: Caller, runId: string): Promise<StepRun[]> {
  const row = await findOwnRun(deps, caller, runId);
  if (isRunOver(row.status)) return presentSteps(deps, await listStepRows(deps.db, runId));
  const open = await askRun(deps, runId, stepsQuery);
  if (open) return presentSteps(deps, open.steps);
  const run = await mirroredRun(deps, row);
  return presentSteps(
    deps,
    run.plan.steps.map((_, i) => stepRow(run, i)),
  );
}

export interface RunFilter {
  workflowId?: string;
  status?: RunStatus;
  tagKey?: string;
  tagValue?: string;
  cursor?: Cursor;
  limit: number;
}

/** A page of a project's runs, newest first, from the mirror. `next` is there when there are more. */
export async function listRuns(
  deps: Deps,
  projectId: string,
  filter: RunFilter,
): Promise<{ items: WorkflowRun[]; next?: Cursor }> {
  const rows = await listRunRows(deps.db, { ...filter, projectId, limit: filter.limit + 1 });
  const page = rows.slice(0, filter.limit);
  const last = page.at(-1);
  const next = rows.length > page.length && last ? { at: Date.parse(last.created_at), id: last.id } : undefined;
  return { items: await presentRuns(deps, page), next };
}

export async function getJobRun(deps: Deps, caller: Caller, id: string): Promise<JobRun> {
  const row = await findJobRun(deps.db, id);
  if (!row) throw new Problem("not_found", "run not found");
  assertProject(caller, row.project_id, "run not found");
  const [job, run] = await Promise.all([findJob(deps.db, row.job_id), findRun(deps.db, row.run_id)]);
  return presentJobRun(deps, row, job, run);
}
