import type { Cursor } from "../contract/cursor.ts";
import type { JobRun, JobRunEvent } from "../contract/jobs/runs.ts";
import type { Attempt } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import { type ListPart, listPart, type PartRequest } from "./list-part.ts";
import type { Page } from "./page.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { findOwnRun } from "./runs.ts";
import { findJobRun, type JobRunsFilter, listJobRuns as listRows, type StoredJobRun } from "../store/job-runs.ts";
import { listAttempts } from "../store/step-attempts.ts";
import { presentJobRun, presentJobRuns } from "../views/job-run.ts";
import { presentJobRunEvents } from "../views/job-run-events.ts";
import { presentAttempts } from "../views/step.ts";
import { attemptRow } from "../../workflows/engine/mirror/attempts.ts";
import type { AttemptRow } from "../../workflows/engine/mirror/rows.ts";
import { epochMs } from "../../workflows/engine/time.ts";
import { stepRunId } from "../../workflows/engine/ids.ts";

/** Another project's job run is not found. */
export async function findOwnJobRun({ db }: Deps, caller: Caller, id: string): Promise<StoredJobRun> {
  const row = await findJobRun(db, id);
  if (!row) throw new Problem("not_found", "run not found");
  assertProject(caller, row.project_id, "run not found");
  return row;
}

export const getJobRun = async (deps: Deps, caller: Caller, id: string): Promise<JobRun> =>
  presentJobRun(deps, await findOwnJobRun(deps, caller, id));

/** A page of a project's job runs, newest first; a smaller one where what they carry is large. */
export async function listJobRuns(
  deps: Deps,
  filter: JobRunsFilter & { cursor?: Cursor; limit: number },
): Promise<Page<JobRun>> {
  const rows = await listRows(deps.db, { ...filter, limit: filter.limit + 1 });
  const items = await presentJobRuns(deps, rows.slice(0, filter.limit));
  const last = items.at(-1);
  const next = rows.length > items.length && last ? { at: epochMs(last.created_at), id: last.id } : undefined;
  return { items, next };
}

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
  { cursor, limit }: PartRequest,
): Promise<ListPart<JobRunEvent>> {
  const jobRun = await findOwnJobRun(deps, caller, id);
  const events = presentJobRunEvents(jobRun, await attemptRows(deps, caller, jobRun));
  const to = limit === undefined ? events.length : cursor + limit;
  return { items: events.slice(cursor, to), next: to < events.length ? to : undefined };
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
