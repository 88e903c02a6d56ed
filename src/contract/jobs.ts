import { z } from "zod";
import { atLeast, ignored, json, line, list, members, prose, whole } from "./fields.ts";
import type { Json } from "./json.ts";
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
