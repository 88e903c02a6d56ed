import { z } from "zod";
import { json, shownTags } from "./fields.ts";
import { id, versionId } from "./ids.ts";
import { STEP_TYPES, type StepType, typeFields } from "./steps/index.ts";
import { time } from "./times.ts";

const stepType = z.enum(Object.keys(STEP_TYPES) as StepType[]);
const onFailure = z.enum(["fail_workflow", "skip_dependents", "continue"]);
export type OnFailure = z.output<typeof onFailure>;
const onSkip = z.enum(["run", "skip_dependents"]);
export type OnSkip = z.output<typeof onSkip>;
const retryBackoff = z.enum(["exponential", "fixed"]);
export type RetryBackoff = z.output<typeof retryBackoff>;
const resourceClass = z.enum(["small", "medium", "large"]);
export type ResourceClass = z.output<typeof resourceClass>;

/** A step as definitions answer it (docs/definitions.md, A step): what any step has, and the fields of its type. Members without a value are absent. */
export const workflowStep = z
  .strictObject({
    id,
    workflow_id: id,
    step_ref: z.string(),
    step_type: stepType,
    depends_on: z.array(z.string()),
    on_failure: onFailure,
    ...typeFields,
    retry_backoff: retryBackoff,
    resource_class: resourceClass,
    on_skip: onSkip
      .optional()
      .describe("Whether the steps that depend on a step whose condition was false go on, or are skipped as well."),
    condition: json.optional(),
    concurrency_key: z.string().optional(),
    sub_workflow_version_id: versionId
      .optional()
      .describe("The newest version of the sub-workflow when the step was stored."),
    created_at: time,
  })
  .meta({ id: "WorkflowStep" });
export type WorkflowStep = z.output<typeof workflowStep>;

export const versionPolicy = z.enum(["pin", "latest", "minor"]);
export type VersionPolicy = z.output<typeof versionPolicy>;

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
    version_policy: versionPolicy.optional(),
    backwards_compatible: z.boolean().optional(),
    created_by: z.string().optional(),
    updated_by: z.string().optional(),
    created_at: time,
    updated_at: time,
    steps: z.array(workflowStep).optional().describe("With a single workflow, never in a list."),
  })
  .meta({ id: "Workflow" });
export type Workflow = z.output<typeof workflow>;

const leftBehind = {
  active_runs_on_previous_version: z.int().min(0).optional().describe("Open runs that stay with the version before."),
  previous_version_id: versionId.optional(),
};

/** How a changed definition is answered. */
export const changedWorkflow = workflow.extend(leftBehind).meta({ id: "ChangedWorkflow" });
export type ChangedWorkflow = z.output<typeof changedWorkflow>;

/** What would be stored, as `dryRun=true` answers it, without what is known only once it is stored. */
export const workflowPlan = z
  .strictObject({
    dry_run: z.literal(true),
    workflow: workflow.omit({ id: true, version_id: true, created_at: true, updated_at: true }).extend({
      steps: z.array(workflowStep.omit({ id: true, workflow_id: true, created_at: true })),
      ...leftBehind,
    }),
  })
  .meta({ id: "WorkflowPlan" });
export type WorkflowPlan = z.output<typeof workflowPlan>;

/** What would be deleted, as `dryRun=true` answers it. */
export const deletionPlan = z.strictObject({ dry_run: z.literal(true), workflow }).meta({ id: "WorkflowDeletionPlan" });
export type DeletionPlan = z.output<typeof deletionPlan>;
