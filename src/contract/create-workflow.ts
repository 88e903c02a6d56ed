import { z } from "zod";
import { atLeast, ignored, line, list, members, prose } from "./fields.ts";
import { MOST_STEPS, stepInput } from "./steps.ts";
import { tags } from "./tags.ts";
import { versionPolicy } from "./workflows.ts";

/** What can be said of a workflow when it is made and when it is changed. */
export const settings = {
  name: line(255).min(1),
  slug: line(128).min(1),
  description: prose(4096),
  tags,
  enabled: z.boolean(),
  timeout_secs: atLeast(0, "timeout_secs"),
  max_concurrent_runs: atLeast(0, "max_concurrent_runs"),
  max_parallel_steps: atLeast(0, "max_parallel_steps"),
  cron: line(255),
  cron_timezone: line(100),
  timezone: line(100),
  skip_if_running: z.boolean(),
  version_policy: versionPolicy,
  steps: list(stepInput, MOST_STEPS),
};

/** What SDK builders send besides. */
export const ofBuilders = {
  environment_id: ignored,
  max_attempts: ignored,
  retry_strategy: ignored,
  webhook_url: ignored,
  webhook_secret: ignored,
};

/**
 * POST /v1/workflows (docs/definitions.md, A workflow), with what the SDK builders send besides. What of it has no effect is
 * told by without-effect.ts.
 */
export const createWorkflowBody = members({
  project_id: line(255).optional(),
  name: settings.name,
  slug: settings.slug,
  description: settings.description.optional(),
  tags: settings.tags.optional(),
  enabled: settings.enabled.default(true),
  timeout_secs: settings.timeout_secs.default(0),
  max_concurrent_runs: settings.max_concurrent_runs.default(0),
  max_parallel_steps: settings.max_parallel_steps.default(0),
  cron: settings.cron.optional(),
  cron_timezone: settings.cron_timezone.optional(),
  timezone: settings.timezone.optional(),
  skip_if_running: settings.skip_if_running.default(false),
  version_policy: settings.version_policy.default("pin"),
  steps: settings.steps.default([]),
  ...ofBuilders,
}).meta({
  example: {
    name: "Order",
    slug: "order",
    steps: [
      { step_ref: "review", step_type: "approval", approval_approvers: ["release-manager"] },
      { step_ref: "paid", step_type: "wait_for_event", event_key: "order-{{payload.order}}", depends_on: ["review"] },
      { step_ref: "grace", step_type: "sleep", sleep_duration_secs: 60, depends_on: ["paid"] },
    ],
  },
});
export type CreateWorkflowBody = z.output<typeof createWorkflowBody>;
