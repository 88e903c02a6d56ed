import type { Job } from "../contract/jobs/jobs.ts";
import type { StoredJob } from "../store/jobs.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { unlessEmpty } from "./unless-empty.ts";

/** As clients see it: times written out, what is empty left out. */
export function presentJob(job: StoredJob): Job {
  return {
    id: job.id,
    project_id: job.project_id,
    name: job.name,
    slug: job.slug,
    description: job.description || undefined,
    tags: unlessEmpty(job.tags),
    endpoint_url: job.endpoint_url,
    fallback_endpoint_url: job.fallback_endpoint_url || undefined,
    headers: unlessEmpty(job.headers),
    max_attempts: job.max_attempts,
    timeout_secs: job.timeout_secs,
    payload_schema: job.payload_schema,
    result_schema: job.result_schema,
    max_concurrency: job.max_concurrency || undefined,
    run_ttl_secs: job.run_ttl_secs || undefined,
    retry_strategy: job.retry_strategy,
    retry_delays_secs: unlessEmpty(job.retry_delays_secs),
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
