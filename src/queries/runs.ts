import type { Cursor } from "../contract/cursor.ts";
import type { JobRun, RunStatus, StepRun, WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import { type ListPart, listPart, type PartAsked } from "./list-part.ts";
import { withUnseenEnd } from "./ended-outside.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { findJobRun } from "../store/job-runs.ts";
import { findJob } from "../store/jobs.ts";
import { listRuns as listRunRows } from "../store/run-lists.ts";
import { findRun } from "../store/runs.ts";
import { listStepRows } from "../store/steps.ts";
import { askRun, ends } from "../temporal/query-run.ts";
import { presentJobRun, presentRun, presentRuns, presentSteps } from "../views/run.ts";
import type { RunRow, StepRow } from "../../workflows/engine/rows.ts";
import { epochMs } from "../../workflows/engine/time.ts";
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

/** The steps in the order of the definition. */
export async function listSteps(
  deps: Deps,
  caller: Caller,
  runId: string,
  part: PartAsked,
): Promise<ListPart<StepRun>> {
  const rows = await stepRows(deps, await findOwnRun(deps, caller, runId));
  return listPart(rows, part, (some) => presentSteps(deps, some));
}

async function stepRows(deps: Deps, row: RunRow): Promise<StepRow[]> {
  if (isRunOver(row.status)) return listStepRows(deps.db, row.id);
  const open = await askRun(deps, row.id, stepsQuery);
  if (open) return open.steps;
  const run = await mirroredRun(deps, row);
  return run.plan.steps.map((_, i) => stepRow(run, i));
}

export interface RunFilter {
  workflowId?: string;
  status?: RunStatus;
  tagKey?: string;
  tagValue?: string;
  cursor?: Cursor;
  limit: number;
}

/** A page of a project's runs, newest first, from the mirror; a smaller one where their payloads are large. `next` is there when there are more. */
export async function listRuns(
  deps: Deps,
  projectId: string,
  filter: RunFilter,
): Promise<{ items: WorkflowRun[]; next?: Cursor }> {
  const rows = await listRunRows(deps.db, { ...filter, projectId, limit: filter.limit + 1 });
  const items = await presentRuns(deps, rows.slice(0, filter.limit));
  const last = items.at(-1);
  const next = rows.length > items.length && last ? { at: epochMs(last.created_at), id: last.id } : undefined;
  return { items, next };
}

export async function getJobRun(deps: Deps, caller: Caller, id: string): Promise<JobRun> {
  const row = await findJobRun(deps.db, id);
  if (!row) throw new Problem("not_found", "run not found");
  assertProject(caller, row.project_id, "run not found");
  const [job, run] = await Promise.all([findJob(deps.db, row.job_id), findRun(deps.db, row.run_id)]);
  return presentJobRun(deps, row, job, run);
}
