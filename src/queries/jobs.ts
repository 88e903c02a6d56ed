import { rfc3339 } from "../../workflows/engine/time.ts";
import { assertProject, type Caller } from "../caller.ts";
import type { Cursor } from "../contract/cursor.ts";
import type { Job } from "../contract/jobs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { findJob, listJobs as listJobRows, type StoredJob } from "../store/jobs.ts";
import type { DefinitionFilter } from "./workflows.ts";

const NOT_FOUND = "job not found";

export async function getJob({ db }: Deps, caller: Caller, id: string): Promise<Job> {
  const job = await findJob(db, id);
  if (!job) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, job.project_id, NOT_FOUND);
  return presentJob(job);
}

export async function listJobs({ db }: Deps, projectId: string, filter: DefinitionFilter): Promise<{ items: Job[]; next?: Cursor }> {
  const { tag_key: tagKey, tag_value: tagValue, cursor, limit } = filter;
  const rows = await listJobRows(db, { projectId, tagKey, tagValue, cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(presentJob),
    next: rows.length > limit && last ? { at: last.created_at, id: last.id } : undefined,
  };
}

/** As clients see it: times written out, what is empty left out (contract §1). */
export function presentJob({ tags, ...job }: StoredJob): Job {
  return {
    ...job,
    description: job.description || undefined,
    tags: tags && Object.keys(tags).length > 0 ? tags : undefined,
    fallback_endpoint_url: job.fallback_endpoint_url || undefined,
    max_concurrency: job.max_concurrency || undefined,
    run_ttl_secs: job.run_ttl_secs || undefined,
    retry_delays_secs: job.retry_delays_secs?.length ? job.retry_delays_secs : undefined,
    cron: job.cron || undefined,
    timezone: job.timezone || undefined,
    environment_id: job.environment_id || undefined,
    created_at: rfc3339(job.created_at),
    updated_at: rfc3339(job.updated_at),
  };
}
