import { z } from "zod";
import { ofBuilders, settings } from "../create-workflow.ts";
import { line, members } from "../fields.ts";

/** PATCH /v1/workflows/{id}: what is not said stays as it is. `steps` are all steps, not some of them. */
export const updateWorkflowBody = members({
  name: settings.name.optional(),
  slug: settings.slug.optional(),
  description: settings.description.optional(),
  tags: settings.tags.optional(),
  enabled: settings.enabled.optional(),
  timeout_secs: settings.timeout_secs.optional(),
  max_concurrent_runs: settings.max_concurrent_runs.optional(),
  max_parallel_steps: settings.max_parallel_steps.optional(),
  cron: settings.cron.optional(),
  cron_timezone: settings.cron_timezone.optional(),
  timezone: settings.timezone.optional(),
  skip_if_running: settings.skip_if_running.optional(),
  version_policy: settings.version_policy.optional(),
  backwards_compatible: z.boolean().optional(),
  steps: settings.steps.optional(),
  ...ofBuilders,
}).meta({ example: { timeout_secs: 3600 } });
export type UpdateWorkflowBody = z.output<typeof updateWorkflowBody>;

/** POST /v1/workflows/{id}/clone. */
export const cloneWorkflowBody = members({
  project_id: line(255).optional(),
  name: settings.name.optional(),
  slug: settings.slug.optional(),
}).meta({ example: {} });
export type CloneWorkflowBody = z.output<typeof cloneWorkflowBody>;

/** POST /v1/workflows/{id}/dry-run: without steps, or with none, the stored ones are looked at. */
export const checkStepsBody = members({ steps: settings.steps.default([]) }).meta({ example: {} });
