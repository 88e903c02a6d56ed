import type { Cursor } from "../contract/cursor.ts";
import type { JobRun, JobRunEvent } from "../contract/jobs/runs.ts";
import type { Attempt } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { type Caller, own } from "../identity/caller.ts";
import { type ListPart, listPart, type PartRequest, sliceOf } from "./list-part.ts";
import { cursorOf, fittingPageOf, type Page } from "./page.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { findOwnRun } from "./runs.ts";
import { findJobRun, type JobRunsFilter, listJobRuns as listRows, type StoredJobRun } from "../store/job-runs.ts";
import { listAttempts } from "../store/step-attempts.ts";
import { presentJobRun, presentJobRuns } from "../views/job-run.ts";
import { presentJobRunEvents } from "../views/job-run-events.ts";
import { presentAttempts } from "../views/step.ts";
import { attemptRow } from "../../workflows/engine/mirror/attempts.ts";
import type { AttemptRow } from "../../workflows/engine/mirror/rows.ts";
import { stepRunId } from "../../workflows/engine/ids.ts";

/** Another project's job run is not found. */
export const findOwnJobRun = async ({ db }: Deps, caller: Caller, id: string): Promise<StoredJobRun> =>
  own(caller, await findJobRun(db, id), "run not found");

export const getJobRun = async (deps: Deps, caller: Caller, id: string): Promise<JobRun> =>
  presentJobRun(deps, await findOwnJobRun(deps, caller, id));

/** A page of a project's job runs, newest first; a smaller one where what they carry is large. */
export const listJobRuns = (
  deps: Deps,
  filter: JobRunsFilter & { cursor?: Cursor; limit: number },
): Promise<Page<JobRun>> =>
  fittingPageOf(
    filter.limit,
    (limit) => listRows(deps.db, { ...filter, limit }),
    (rows) => presentJobRuns(deps, rows),
    cursorOf,
  );

/** Every attempt of the job run, oldest first. They are counted as the step counts them, over all its job runs. */
export async function listJobRunAttempts(
  deps: Deps,
  caller: Caller,
  id: string,
  part: PartRequest,
): Promise<ListPart<Attempt>> {
  const rows = await attemptRows(deps, caller, await findOwnJobRun(deps, caller, id));
  return listPart(rows, part, (some) => presentAttempts(deps, some));
}

/** What happened to the job run, oldest first. */
export async function listJobRunEvents(
  deps: Deps,
  caller: Caller,
  id: string,
  part: PartRequest,
): Promise<Page<JobRunEvent, number>> {
  const jobRun = await findOwnJobRun(deps, caller, id);
  return sliceOf(presentJobRunEvents(jobRun, await attemptRows(deps, caller, jobRun)), part);
}

async function attemptRows(
  deps: Deps,
  caller: Caller,
  { id, run_id, step_run_id }: StoredJobRun,
): Promise<AttemptRow[]> {
  const run = await mirroredRun(deps, await findOwnRun(deps, caller, run_id));
  const i = run.plan.steps.findIndex((_, step) => stepRunId(run_id, step) === step_run_id);
  const latest = attemptRow(run, i);
  const isOfThis = ({ job_run_id, started_at }: AttemptRow) => job_run_id === id && started_at !== undefined;
  return [...(await listAttempts(deps.db, step_run_id)), latest].filter(isOfThis);
}
