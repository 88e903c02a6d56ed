import { z } from "zod";
import { atLeast, ignored, json, line, list, members, prose, shownTags, whole } from "./fields.ts";
import { id, versionId } from "./ids.ts";
import { tags } from "./tags.ts";
import { time } from "./times.ts";

/** An HTTP endpoint that steps call (docs/definitions.md, A job). */
export const job = z
  .strictObject({
    id,
    project_id: z.string(),
    name: z.string(),
    slug: z.string(),
    description: z.string().optional(),
    tags: shownTags.optional(),
    endpoint_url: z.string(),
    fallback_endpoint_url: z.string().optional(),
    max_attempts: z.int(),
    timeout_secs: z.int(),
    payload_schema: json.optional(),
    result_schema: json.optional(),
    max_concurrency: z.int().optional(),
    run_ttl_secs: z.int().optional(),
    retry_strategy: z.string().optional(),
    retry_delays_secs: z.array(z.int()).optional(),
    cron: z.string().optional(),
    timezone: z.string().optional(),
    environment_id: z.string().optional(),
    enabled: z.boolean(),
    version: z.int(),
    version_id: versionId,
    version_policy: z.string(),
    execution_mode: z.string(),
    created_by: z.string().optional(),
    updated_by: z.string().optional(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Job" });
export type Job = z.output<typeof job>;

/** What would be stored, as `dryRun=true` answers it, without what is known only once it is stored. */
export const jobPlan = z
  .strictObject({
    dry_run: z.literal(true),
    job: job.omit({ id: true, version_id: true, created_at: true, updated_at: true }),
  })
  .meta({ id: "JobPlan" });
export type JobPlan = z.output<typeof jobPlan>;

/** POST /v1/jobs. See without-effect.ts for the fields that have no effect. */
export const createJobBody = members({
  project_id: line(255).optional(),
  name: line(255).min(1),
  slug: line(128).min(1),
  description: prose(4096).optional(),
  tags: tags.optional(),
  endpoint_url: line(2048).min(1),
  fallback_endpoint_url: line(2048).optional(),
  max_attempts: atLeast(1, "max_attempts").default(3),
  timeout_secs: atLeast(1, "timeout_secs").default(300),
  payload_schema: json.optional(),
  result_schema: json.optional(),
  max_concurrency: atLeast(0, "max_concurrency").optional(),
  run_ttl_secs: atLeast(0, "run_ttl_secs").optional(),
  retry_strategy: z.enum(["exponential", "linear", "fixed", "custom"]).optional(),
  retry_delays_secs: list(whole.min(1), 100).optional(),
  cron: line(255).optional(),
  timezone: line(100).optional(),
  environment_id: line(255).optional(),
  version_policy: z.enum(["pin", "latest", "minor"]).default("pin"),
  execution_mode: z.literal("http", { error: "only http is supported" }).default("http"),
  group_id: ignored,
  execution_window_cron: ignored,
  rate_limit_max: ignored,
  rate_limit_window_secs: ignored,
  dedup_window_secs: ignored,
  webhook_url: ignored,
  webhook_secret: ignored,
});
export type CreateJobBody = z.output<typeof createJobBody>;
