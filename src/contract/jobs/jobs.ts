import { z } from "zod";
import { failedItem } from "../answers/problem.ts";
import { atLeast, ignored, json, line, list, members, prose, shownTags, whole } from "../fields.ts";
import { id, versionId } from "../ids.ts";
import { requestHeaders } from "./request-headers.ts";
import { tags } from "../tags.ts";
import { time } from "../times.ts";

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
    headers: z.record(z.string(), z.string()).optional(),
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

/** What would be deleted, as `dryRun=true` answers it. */
export const jobDeletionPlan = z.strictObject({ dry_run: z.literal(true), job }).meta({ id: "JobDeletionPlan" });
export type JobDeletionPlan = z.output<typeof jobDeletionPlan>;

const count = z.int().min(0);
const batchOf = <Made extends z.ZodType>(made: Made) =>
  z.strictObject({
    created: count,
    failed: count,
    results: z
      .array(
        z.discriminatedUnion("status", [
          z.strictObject({ index: count, status: z.literal("created"), job: made }),
          failedItem,
        ]),
      )
      .describe("In the order asked."),
  });

/** What became of each of many jobs. */
export const jobBatch = batchOf(job).meta({ id: "JobBatch" });
export type JobBatch = z.output<typeof jobBatch>;
export const jobBatchPlan = batchOf(jobPlan.shape.job)
  .extend({ dry_run: z.literal(true) })
  .meta({ id: "JobBatchPlan" });
export type JobBatchPlan = z.output<typeof jobBatchPlan>;

export const jobHealth = z
  .strictObject({
    job_id: id,
    window_secs: count,
    runs: count,
    completed: count,
    failed: count,
    success_rate: z.number().optional(),
    p50_ms: z.number().optional(),
    p95_ms: z.number().optional(),
  })
  .meta({
    id: "JobHealth",
    description: "Runs of the last `window_secs` that have ended by themselves. Without any, there is no rate.",
  });
export type JobHealth = z.output<typeof jobHealth>;

const retryStrategies = ["exponential", "linear", "fixed", "custom"] as const;

/** What a job says of itself, as create and update take it. */
const said = z.object({
  project_id: line(255),
  name: line(255).min(1),
  slug: line(128).min(1),
  description: prose(4096),
  tags,
  endpoint_url: line(2048).min(1),
  fallback_endpoint_url: line(2048),
  headers: requestHeaders,
  max_attempts: atLeast(1, "max_attempts"),
  timeout_secs: atLeast(1, "timeout_secs"),
  payload_schema: json,
  result_schema: json,
  max_concurrency: atLeast(0, "max_concurrency"),
  run_ttl_secs: atLeast(0, "run_ttl_secs"),
  retry_strategy: z.enum(retryStrategies),
  retry_delays_secs: list(whole.min(1), 100),
  cron: line(255),
  timezone: line(100),
  environment_id: line(255),
  version_policy: z.enum(["pin", "latest", "minor"]),
  execution_mode: z.literal("http", { error: "only http is supported" }),
}).shape;

const withoutMeaning = {
  group_id: ignored,
  execution_window_cron: ignored,
  rate_limit_max: ignored,
  rate_limit_window_secs: ignored,
  dedup_window_secs: ignored,
  webhook_url: ignored,
  webhook_secret: ignored,
};

const optional = z.object(said).partial().shape;

/** POST /v1/jobs. What of it has no effect is told by without-effect.ts. */
export const createJobBody = members({
  ...optional,
  ...withoutMeaning,
  name: said.name,
  slug: said.slug,
  endpoint_url: said.endpoint_url,
  max_attempts: said.max_attempts.default(3),
  timeout_secs: said.timeout_secs.default(300),
  version_policy: said.version_policy.default("pin"),
  execution_mode: said.execution_mode.default("http"),
}).meta({ example: { name: "Charge", slug: "charge", endpoint_url: "http://localhost:8070/invoice/notify" } });
export type CreateJobBody = z.output<typeof createJobBody>;

/** PATCH /v1/jobs/{id}: what is not named stays as it is. */
export const updateJobBody = members({
  ...optional,
  ...withoutMeaning,
  enabled: z.boolean().optional(),
  backwards_compatible: ignored,
}).meta({ example: { timeout_secs: 60 } });
export type UpdateJobBody = z.output<typeof updateJobBody>;

/** POST /v1/jobs/{id}/clone */
export const cloneJobBody = members({
  project_id: optional.project_id,
  name: optional.name,
  slug: optional.slug,
}).meta({ example: {} });
export type CloneJobBody = z.output<typeof cloneJobBody>;

/** POST /v1/jobs/batch: each is a body of POST /v1/jobs, and looked at by itself. */
export const batchJobsBody = members({ jobs: list(json, 100, 1) }).meta({
  example: { jobs: [{ name: "Charge", slug: "charge", endpoint_url: "http://localhost:8070/invoice/notify" }] },
});
