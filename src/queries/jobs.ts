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

/** As clients see it: times written out, what is empty left out (contract §4). */
export function presentJob(job: StoredJob): Job {
  return {
    id: job.id,
    project_id: job.project_id,
    name: job.name,
    slug: job.slug,
    description: job.description || undefined,
    tags: job.tags && Object.keys(job.tags).length > 0 ? job.tags : undefined,
    endpoint_url: job.endpoint_url,
    fallback_endpoint_url: job.fallback_endpoint_url || undefined,
    max_attempts: job.max_attempts,
    timeout_secs: job.timeout_secs,
    payload_schema: job.payload_schema,
    result_schema: job.result_schema,
    max_concurrency: job.max_concurrency || undefined,
    run_ttl_secs: job.run_ttl_secs || undefined,
    retry_strategy: job.retry_strategy,
    retry_delays_secs: job.retry_delays_secs?.length ? job.retry_delays_secs : undefined,
    cron: job.cron || undefined,
    timezone: job.timezone || undefined,
    environment_id: job.environment_id || undefined,
    enabled: job.enabled,
    version: job.version,
    version_id: job.version_id,
    version_policy: job.version_policy,
    execution_mode: job.execution_mode,
    created_by: job.created_by,
    updated_by: job.updated_by,
    created_at: rfc3339(job.created_at),
    updated_at: rfc3339(job.updated_at),
  };
}
