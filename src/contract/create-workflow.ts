import { z } from "zod";
import { atLeast, ignored, line, list, members, prose } from "./fields.ts";
import { MOST_STEPS, stepInput } from "./steps.ts";
import { tags } from "./tags.ts";

/**
 * POST /v1/workflows (docs/definitions.md, A workflow), with what the SDK builders send besides. What of it has no effect is
 * told by without-effect.ts.
 */
export const createWorkflowBody = members({
  project_id: line(255).optional(),
  name: line(255).min(1),
  slug: line(128).min(1),
  description: prose(4096).optional(),
  tags: tags.optional(),
  enabled: z.boolean().default(true),
  timeout_secs: atLeast(0, "timeout_secs").default(0),
  max_concurrent_runs: atLeast(0, "max_concurrent_runs").default(0),
  max_parallel_steps: atLeast(0, "max_parallel_steps").default(0),
  cron: line(255).optional(),
  cron_timezone: line(100).optional(),
  timezone: line(100).optional(),
  skip_if_running: z.boolean().default(false),
  version_policy: z.enum(["pin", "latest", "minor"]).default("pin"),
  steps: list(stepInput, MOST_STEPS).default([]),
  environment_id: ignored,
  max_attempts: ignored,
  retry_strategy: ignored,
  webhook_url: ignored,
  webhook_secret: ignored,
});
export type CreateWorkflowBody = z.output<typeof createWorkflowBody>;
