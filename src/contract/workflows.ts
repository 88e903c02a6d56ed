import { z } from "zod";
import { json, shownTags } from "./fields.ts";
import { id, versionId } from "./ids.ts";
import { time } from "./times.ts";

const stepType = z.enum(["job", "approval", "wait_for_event", "sleep", "sub_workflow"]);
export type StepType = z.output<typeof stepType>;
const onFailure = z.enum(["fail_workflow", "skip_dependents", "continue"]);
export type OnFailure = z.output<typeof onFailure>;
const onSkip = z.enum(["run", "skip_dependents"]);
export type OnSkip = z.output<typeof onSkip>;
const retryBackoff = z.enum(["exponential", "fixed"]);
export type RetryBackoff = z.output<typeof retryBackoff>;
const resourceClass = z.enum(["small", "medium", "large"]);
export type ResourceClass = z.output<typeof resourceClass>;

/** A step as definitions answer it (docs/definitions.md, A step). Members without a value are absent. */
export const workflowStep = z
  .strictObject({
    id,
    workflow_id: id,
    step_ref: z.string(),
    step_type: stepType,
    depends_on: z.array(z.string()),
    on_failure: onFailure,
    retry_backoff: retryBackoff,
    resource_class: resourceClass,
    on_skip: onSkip
      .optional()
      .describe(
        "What a step whose own condition was false means to those that depend on it: they go on, or are skipped, too.",
      ),
    condition: json.optional(),
    payload: json.optional(),
    job_id: id.optional(),
    sub_workflow_id: id.optional(),
    max_nesting_depth: z.int().optional(),
    approval_timeout_secs: z.int().optional(),
    approval_approvers: z.array(z.string()).optional(),
    event_key: z.string().optional(),
    event_timeout_secs: z.int().optional(),
    event_notify_url: z.string().optional(),
    event_emit_key: z.string().optional(),
    sleep_duration_secs: z.int().optional(),
    retry_max_attempts: z.int().optional(),
    retry_initial_delay_secs: z.int().optional(),
    retry_max_delay_secs: z.int().optional(),
    timeout_secs_override: z.int().optional(),
    output_transform: z.string().optional(),
    concurrency_key: z.string().optional(),
    created_at: time,
  })
  .meta({ id: "WorkflowStep" });
export type WorkflowStep = z.output<typeof workflowStep>;

export interface StepOverride {
  step_ref: string;
  enabled: boolean;
}

/** A definition (docs/definitions.md, A workflow). */
export const workflow = z
  .strictObject({
    id,
    project_id: z.string(),
    name: z.string(),
    slug: z.string(),
    description: z.string().optional(),
    tags: shownTags.optional(),
    enabled: z.boolean(),
    version: z.int(),
    timeout_secs: z.int().optional(),
    max_concurrent_runs: z.int().optional(),
    max_parallel_steps: z.int().optional(),
    cron: z.string().optional(),
    cron_timezone: z.string().optional(),
    skip_if_running: z.boolean().optional(),
    version_id: versionId.optional(),
    version_policy: z.enum(["pin", "latest", "minor"]).optional(),
    backwards_compatible: z.boolean().optional(),
    created_by: z.string().optional(),
    updated_by: z.string().optional(),
    created_at: time,
    updated_at: time,
    steps: z.array(workflowStep).optional().describe("With a single workflow, never in a list."),
  })
  .meta({ id: "Workflow" });
export type Workflow = z.output<typeof workflow>;

/** What would be stored, as `dryRun=true` answers it: without what is only known of a workflow that is. */
export const workflowPlan = z
  .strictObject({
    dry_run: z.literal(true),
    workflow: workflow
      .omit({ id: true, version_id: true, created_at: true, updated_at: true })
      .extend({ steps: z.array(workflowStep.omit({ id: true, workflow_id: true, created_at: true })) }),
  })
  .meta({ id: "WorkflowPlan" });
export type WorkflowPlan = z.output<typeof workflowPlan>;
