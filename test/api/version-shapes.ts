import { z } from "zod";
import { versionId, workflowWithSteps } from "./definition-shapes.ts";
import { id, positive, present, text, time } from "./shapes.ts";

const count = z.int().min(0);

export const changedWorkflow = workflowWithSteps.extend({
  active_runs_on_previous_version: positive.optional(),
  previous_version_id: versionId.optional(),
});

export const workflowVersion = z.strictObject({
  id: z.string().regex(/^[0-9a-f-]{36}:v\d+$/),
  workflow_id: id,
  version: positive,
  version_id: versionId,
  project_id: text,
  name: text,
  slug: text,
  description: text.optional(),
  enabled: z.boolean(),
  timeout_secs: count,
  max_concurrent_runs: count,
  max_parallel_steps: count,
  cron: text.optional(),
  cron_timezone: text.optional(),
  skip_if_running: z.literal(true).optional(),
  backwards_compatible: z.literal(true).optional(),
  created_by: text,
  updated_by: text,
  created_at: time,
});

const changes = z.record(z.string(), z.strictObject({ from: present.optional(), to: present.optional() }));
export const versionDiff = z.strictObject({
  from_version_id: versionId,
  to_version_id: versionId,
  added_steps: z.array(text),
  removed_steps: z.array(text),
  changed_steps: z.array(z.strictObject({ step_ref: text, fields: changes })),
  changed_fields: changes,
  step_order: z.array(text).optional(),
});

export const workflowPolicy = z.strictObject({
  id,
  project_id: text,
  max_fan_out: count,
  max_depth: count,
  forbidden_step_types: z.array(text).min(1).optional(),
  require_approval_for_deploy: z.boolean(),
  created_at: time,
  updated_at: time,
});
