import { now } from "../time/clock.ts";
import type { Job, JobHealth } from "../contract/jobs/jobs.ts";
import type { Deps } from "../deps.ts";
import { type Caller, own } from "../identity/caller.ts";
import { cursorOf, type Page, pageOf } from "./page.ts";
import type { DefinitionFilter } from "./workflows.ts";
import { healthOf } from "../store/job-runs.ts";
import { findJob, listJobs as listRows, listJobVersions as listVersionRows, type StoredJob } from "../store/jobs.ts";
import { presentJob } from "../views/job.ts";

const NOT_FOUND = "job not found";

/** Another project's job is not found. */
export const findOwnJob = async ({ db }: Deps, caller: Caller, id: string): Promise<StoredJob> =>
  own(caller, await findJob(db, id), NOT_FOUND);

export const getJob = async (deps: Deps, caller: Caller, id: string): Promise<Job> =>
  presentJob(await findOwnJob(deps, caller, id));

/** The job as it was in each of its versions, the newest first. A place is the last version that was shown. */
export async function listJobVersions(
  deps: Deps,
  caller: Caller,
  id: string,
  { cursor, limit }: { cursor: number; limit: number },
): Promise<Page<Job, number>> {
  await findOwnJob(deps, caller, id);
  const read = (most: number) => listVersionRows(deps.db, id, { before: cursor || undefined, limit: most });
  return pageOf(limit, read, presentJob, ({ version }) => version);
}

const WINDOW_SECS = 86_400;

/** How the job's runs of the last day ended, of very many the latest. */
export async function getJobHealth(deps: Deps, caller: Caller, id: string): Promise<JobHealth> {
  const job = await findOwnJob(deps, caller, id);
  const { completed, failed, p50_ms, p95_ms } = await healthOf(deps.db, job.id, now() - WINDOW_SECS * 1000);
  const runs = completed + failed;
  const ofRuns = runs > 0 && { success_rate: completed / runs, p50_ms: rounded(p50_ms), p95_ms: rounded(p95_ms) };
  return { job_id: job.id, window_secs: WINDOW_SECS, runs, completed, failed, ...ofRuns };
}

const rounded = (ms: number | null) => Math.round((ms ?? 0) * 1000) / 1000;

export const listJobs = ({ db }: Deps, project_id: string, filter: DefinitionFilter): Promise<Page<Job>> =>
  pageOf(filter.limit, (limit) => listRows(db, { ...filter, project_id, limit }), presentJob, cursorOf);
