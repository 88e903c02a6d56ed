import type { Json } from "./json.ts";
import type { StepType, TypeFields } from "./steps/index.ts";

export type OnFailure = "fail_workflow" | "skip_dependents" | "continue";
/** Whether the steps that depend on a step whose condition was false go on, or are skipped as well. */
export type OnSkip = "run" | "skip_dependents";
export type RetryBackoff = "exponential" | "fixed";
export type ResourceClass = "small" | "medium" | "large";

/** A step as definitions answer it (docs/definitions.md, A step): what any step has, and the fields of its type. Members without a value are absent. */
export interface WorkflowStep extends TypeFields {
  id: string;
  workflow_id: string;
  step_ref: string;
  step_type: StepType;
  depends_on: string[];
  on_failure: OnFailure;
  retry_backoff: RetryBackoff;
  resource_class: ResourceClass;
  on_skip?: OnSkip;
  condition?: Json;
  concurrency_key?: string;
  /** The newest version of the sub-workflow when the step was stored. */
  sub_workflow_version_id?: string;
  created_at: string;
}

export type VersionPolicy = "pin" | "minor" | "latest";

export interface StepOverride {
  step_ref: string;
  enabled: boolean;
}

/** A definition (docs/definitions.md, A workflow). `steps` comes with a single one, never in a list. */
export interface Workflow {
  id: string;
  project_id: string;
  name: string;
  slug: string;
  description?: string;
  tags?: Record<string, string>;
  enabled: boolean;
  version: number;
  timeout_secs?: number;
  max_concurrent_runs?: number;
  max_parallel_steps?: number;
  cron?: string;
  cron_timezone?: string;
  skip_if_running?: boolean;
  version_id?: string;
  version_policy?: string;
  backwards_compatible?: boolean;
  created_by?: string;
  updated_by?: string;
  created_at: string;
  updated_at: string;
  steps?: WorkflowStep[];
}

/** How a changed definition is answered: beside it, how many open runs stay with the version before. */
export interface ChangedWorkflow extends Workflow {
  active_runs_on_previous_version?: number;
  previous_version_id?: string;
}

/** What would be stored, as `dryRun=true` answers it, without what is known only once it is stored. */
export interface WorkflowPlan {
  dry_run: true;
  workflow: Omit<Workflow, "id" | "version_id" | "created_at" | "updated_at" | "steps"> & {
    steps: Omit<WorkflowStep, "id" | "workflow_id" | "created_at">[];
  } & Pick<ChangedWorkflow, "active_runs_on_previous_version" | "previous_version_id">;
}
