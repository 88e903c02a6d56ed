import type { Json, JsonText } from "./json.ts";

export const RUN_STATUSES = ["pending", "running", "paused", "completed", "failed", "timed_out", "canceled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
export type StepStatus = "pending" | "waiting" | "running" | "completed" | "failed" | "skipped" | "canceled";
export const JOB_RUN_STATUSES = [
  "queued",
  "executing",
  "completed",
  "failed",
  "timed_out",
  "canceled",
  "expired",
  "dead_letter",
] as const;
export type JobRunStatus = (typeof JOB_RUN_STATUSES)[number];
export type ApprovalStatus = "pending" | "approved" | "rejected" | "timed_out" | "overridden" | "canceled";
export type EventTriggerStatus = "waiting" | "received" | "timed_out" | "canceled";
/** Of the POST to an event_notify_url. */
export type NotifyStatus = "pending" | "sent" | "failed";

/** Answers of the workflow-run family. Times are RFC3339; members without a value are absent. */
export interface WorkflowRun {
  id: string;
  workflow_id: string;
  project_id: string;
  status: RunStatus;
  triggered_by: string;
  workflow_version: number;
  max_parallel_steps?: number;
  payload?: Json | JsonText;
  error?: string;
  started_at?: string;
  finished_at?: string;
  expires_at?: string;
  retry_of_run_id?: string;
  parent_workflow_run_id?: string;
  parent_step_run_id?: string;
  tags?: Record<string, string>;
  workflow_version_id?: string;
  created_by?: string;
  created_at: string;
}

export interface StepRun {
  id: string;
  workflow_run_id: string;
  workflow_step_id: string;
  step_ref: string;
  job_run_id?: string;
  attempt: number;
  status: StepStatus;
  deps_completed: number;
  deps_required: number;
  output?: Json | JsonText;
  error?: string;
  started_at?: string;
  finished_at?: string;
  created_at: string;
}

/** One attempt of a step. The last of them is the step as it is. */
export interface Attempt {
  attempt: number;
  status: StepStatus;
  /** Why it ended without doing its work: an operator's skip or force-complete, a false condition, a dependency. */
  cause?: "operator" | "condition" | "dependency";
  job_run_id?: string;
  output?: Json | JsonText;
  error?: string;
  approval?: Pick<Approval, "status" | "approved_by" | "requested_at" | "approved_at" | "expires_at" | "error">;
  started_at?: string;
  finished_at?: string;
}

/** What a command would do, as `dryRun=true` answers it. For the retry of a run, the states after it are those of the new run. */
export interface DryRun {
  dry_run: true;
  workflow_run_id: string;
  status: RunStatus;
  status_after: RunStatus;
  /** The number that the command itself would answer. */
  reset_steps: number;
  /** Every step, in the order of the definition. */
  steps: {
    step_ref: string;
    status: StepStatus;
    /** When the run has gone as far as it can by itself. */
    status_after: StepStatus;
    /** In the order in which they happen: its work is canceled, it is reset, it starts at once. Or it is kept. */
    actions: ("kept" | "canceled" | "reset" | "started" | "ended")[];
    reason: string;
  }[];
  /** Of a sub-workflow that is opened again: what that does to its parent. */
  parent?: DryRun;
}

/** What a trigger would do, as `dryRun=true` answers it. */
export interface TriggerPlan {
  dry_run: true;
  /** The run that it would make, without what is known only once it is made. */
  run: Omit<WorkflowRun, "id" | "created_at" | "started_at" | "expires_at">;
  disabled_steps: string[];
  /** Steps that would start at once. */
  starts: string[];
  /** When the run has gone as far as it can by itself. */
  status_after: RunStatus;
  steps: DryRun["steps"];
  /** Why it would be refused now. Empty if it would not be. */
  refused: { code: string; message: string }[];
}

export interface Approval {
  id: string;
  workflow_run_id: string;
  workflow_step_run_id: string;
  approvers: string[];
  status: ApprovalStatus;
  approved_by?: string;
  requested_at: string;
  approved_at?: string;
  expires_at?: string;
  error?: string;
}

export interface EventTrigger {
  id: string;
  event_key: string;
  project_id: string;
  source_type: "workflow_step" | "job_run";
  /** `held`: an event that was sent before anyone waited for it. */
  status: EventTriggerStatus | "held";
  timeout_secs: number;
  requested_at: string;
  /** Absent where the wait has no end. */
  expires_at?: string;
  trigger_type?: "event" | "sleep";
  workflow_run_id?: string;
  workflow_step_run_id?: string;
  response_payload?: Json | JsonText;
  received_at?: string;
  error?: string;
  notify_url?: string;
  notify_status?: NotifyStatus;
  sent_by?: string;
}

/** The HTTP side of a job step: all attempts of one dispatch. */
export interface JobRun {
  id: string;
  job_id: string;
  project_id: string;
  status: JobRunStatus;
  attempt: number;
  triggered_by: string;
  priority: number;
  job_version: number;
  job_version_id: string;
  debug_mode: boolean;
  lineage_depth: number;
  execution_mode: string;
  /** Of the run that it is a step of, be it one that a trigger of the job made. */
  workflow_run_id: string;
  workflow_step_run_id: string;
  payload?: Json | JsonText;
  result?: Json | JsonText;
  error?: string;
  started_at?: string;
  finished_at?: string;
  expires_at?: string;
  created_by: string;
  tags?: Record<string, string>;
  created_at: string;
}

/** Something that happened to a job run. */
export interface JobRunEvent {
  run_id: string;
  type:
    | "run.queued"
    | `attempt.${"started" | "completed" | "failed" | "canceled"}`
    | `run.${Exclude<JobRunStatus, "queued" | "executing">}`;
  /** Of the job run, from 1. */
  attempt?: number;
  error?: string;
  at: string;
}
