import { z } from "zod";
import { atLeast, ignored, json, line, list, members, prose, whole } from "./fields.ts";
import type { Json } from "./json.ts";
import { requestHeaders } from "./request-headers.ts";
import { tags } from "./tags.ts";

/** An HTTP endpoint that steps call (docs/definitions.md, A job). */
export interface Job {
  id: string;
  project_id: string;
  name: string;
  slug: string;
  description?: string;
  tags?: Record<string, string>;
  endpoint_url: string;
  fallback_endpoint_url?: string;
  headers?: Record<string, string>;
  max_attempts: number;
  timeout_secs: number;
  payload_schema?: Json;
  result_schema?: Json;
  max_concurrency?: number;
  run_ttl_secs?: number;
  retry_strategy?: string;
  retry_delays_secs?: number[];
  cron?: string;
  timezone?: string;
  environment_id?: string;
  enabled: boolean;
  version: number;
  version_id: string;
  version_policy: string;
  execution_mode: string;
  created_by?: string;
  updated_by?: string;
  created_at: string;
  updated_at: string;
}

/** What would be stored, as `dryRun=true` answers it, without what is known only once it is stored. */
export interface JobPlan {
  dry_run: true;
  job: Omit<Job, "id" | "version_id" | "created_at" | "updated_at">;
}

/** What became of each of many jobs, in the order asked. */
export interface JobBatch<Made = Job> {
  created: number;
  failed: number;
  results: (
    | { index: number; status: "created"; job: Made }
    | { index: number; status: "failed"; code: string; error: string; details?: string[] }
  )[];
}

/** Runs of the last `window_secs` that have ended by themselves. Without any, there is no rate. */
export interface JobHealth {
  job_id: string;
  window_secs: number;
  runs: number;
  completed: number;
  failed: number;
  success_rate?: number;
  p50_ms?: number;
  p95_ms?: number;
}

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
});
export type CreateJobBody = z.output<typeof createJobBody>;

/** PATCH /v1/jobs/{id}: what is not named stays as it is. */
export const updateJobBody = members({
  ...optional,
  ...withoutMeaning,
  enabled: z.boolean().optional(),
  backwards_compatible: ignored,
});
export type UpdateJobBody = z.output<typeof updateJobBody>;

/** POST /v1/jobs/{id}/clone */
export const cloneJobBody = members({
  project_id: optional.project_id,
  name: optional.name,
  slug: optional.slug,
});
export type CloneJobBody = z.output<typeof cloneJobBody>;

/** POST /v1/jobs/batch: each is a body of POST /v1/jobs, and looked at by itself. */
export const batchJobsBody = members({ jobs: list(json, 100, 1) });
