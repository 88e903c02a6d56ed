import type { Cursor } from "../contract/cursor.ts";
import { now } from "../clock.ts";
import type { Job, JobHealth } from "../contract/jobs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import type { DefinitionFilter } from "./workflows.ts";
import { healthOf } from "../store/job-runs.ts";
import { findJob, listJobs as listJobRows, listJobVersions as listVersionRows, type StoredJob } from "../store/jobs.ts";
import { presentJob } from "../views/job.ts";

const NOT_FOUND = "job not found";

/** Another project's job is not found. */
export async function findOwnJob({ db }: Deps, caller: Caller, id: string): Promise<StoredJob> {
  const job = await findJob(db, id);
  if (!job) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, job.project_id, NOT_FOUND);
  return job;
}

export const getJob = async (deps: Deps, caller: Caller, id: string): Promise<Job> =>
  presentJob(await findOwnJob(deps, caller, id));

/** The job as each of its versions was, newest first. `next`: the last version that is shown, where there are older ones. */
export async function listJobVersions(
  deps: Deps,
  caller: Caller,
  id: string,
  { cursor, limit }: { cursor: number; limit: number },
): Promise<{ items: Job[]; next?: number }> {
  await findOwnJob(deps, caller, id);
  const rows = await listVersionRows(deps.db, id, { before: cursor || undefined, limit: limit + 1 });
  const page = rows.slice(0, limit);
  return { items: page.map(presentJob), next: rows.length > limit ? page.at(-1)?.version : undefined };
}

const WINDOW_SECS = 86_400;

/** How the job's runs of the last day ended, of very many the latest. */
export async function jobHealth(deps: Deps, caller: Caller, id: string): Promise<JobHealth> {
  const job = await findOwnJob(deps, caller, id);
  const { completed, failed, p50_ms, p95_ms } = await healthOf(deps.db, job.id, now() - WINDOW_SECS * 1000);
  const runs = completed + failed;
  const ofRuns = runs > 0 && { success_rate: completed / runs, p50_ms: rounded(p50_ms), p95_ms: rounded(p95_ms) };
  return { job_id: job.id, window_secs: WINDOW_SECS, runs, completed, failed, ...ofRuns };
}

const rounded = (ms: number | null) => Math.round((ms ?? 0) * 1000) / 1000;

export async function listJobs(
  { db }: Deps,
  projectId: string,
  filter: DefinitionFilter,
): Promise<{ items: Job[]; next?: Cursor }> {
  const { tag_key: tagKey, tag_value: tagValue, cursor, limit } = filter;
  const rows = await listJobRows(db, { projectId, tagKey, tagValue, cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(presentJob),
    next: rows.length > limit && last ? { at: last.created_at, id: last.id } : undefined,
  };
}
