import type { JsonDoc } from "../../../src/contract/json.ts";
import type { EventTriggerStatus, NotifyStatus } from "../../../src/contract/events/event-trigger.ts";
import type { JobRunStatus } from "../../../src/contract/jobs/runs.ts";
import type { RunStatus, StepStatus } from "../../../src/contract/runs.ts";
import type { CommandOutcome } from "../command.ts";
import type { Gate } from "../gates/gate.ts";
import type { DecisionRow } from "../reasons/reason.ts";
import type { RunHeader } from "../plan.ts";
import type { ApprovalState, Cause } from "../state.ts";

/**
 * A run as it is mirrored, listed and queried. Times are epoch milliseconds. `revision` grows with every change of
 * the run; a row with a lower revision than the stored one is older and must not replace it.
 */
export interface RunRow extends Omit<RunHeader, "expires_no_later_than" | "rules"> {
  status: RunStatus;
  error?: string;
  started_at?: number;
  finished_at?: number;
  expires_at?: number;
  revision: number;
}

export interface StepRow {
  id: string;
  run_id: string;
  /** Place in the definition; steps are listed in this order. */
  idx: number;
  workflow_step_id: string;
  step_ref: string;
  status: StepStatus;
  attempt: number;
  generation: number;
  cause?: Cause;
  deps_completed: number;
  deps_required: number;
  job_run_id?: string;
  /** Once it was begun. */
  child_run_id?: string;
  output?: JsonDoc;
  error?: string;
  /** Of a run in a trace: the class of the failure of its last attempt. */
  failure_class?: string;
  started_at?: number;
  attempt_started_at?: number;
  finished_at?: number;
  created_at: number;
  revision: number;
}

/** One attempt of a step. Never changes once another one has followed it. */
export interface AttemptRow {
  step_run_id: string;
  run_id: string;
  attempt: number;
  status: StepStatus;
  cause?: Cause;
  job_run_id?: string;
  output?: JsonDoc;
  error?: string;
  /** Of a run in a trace. */
  failure_class?: string;
  approval?: ApprovalState;
  started_at?: number;
  finished_at?: number;
}

export interface ApprovalRow extends Gate, Omit<ApprovalState, "approvers" | "handed_on"> {
  id: string;
  run_id: string;
  step_run_id: string;
  project_id?: string;
  step_ref?: string;
  /** Of the step. Absent of one that was decided before it was kept. */
  attempt?: number;
  /** Of each step that was taken of its escalation: who is to hear of that. */
  notify?: string[][];
  revision: number;
}

/** What a waiting step listens on: an event, an approval's own key, a sleep's own key. */
export interface TriggerRow {
  id: string;
  project_id: string;
  event_key: string;
  run_id: string;
  step_run_id: string;
  step_ref: string;
  source: "wait_for_event" | "approval" | "sleep";
  status: EventTriggerStatus;
  timeout_secs: number;
  requested_at: number;
  expires_at?: number;
  received_at?: number;
  response_payload?: JsonDoc;
  notify_url?: string;
  notify_status?: NotifyStatus;
  sent_by?: string;
  error?: string;
  revision: number;
}

/** All attempts of one dispatch of a job step. A reset step gets a new one; the old row stays. */
export interface JobRunRow {
  id: string;
  job_id: string;
  project_id: string;
  run_id: string;
  step_run_id: string;
  status: JobRunStatus;
  attempt: number;
  output?: JsonDoc;
  error?: string;
  /** Of one that a trigger of the job made; any other is made when it starts. */
  created_at?: number;
  started_at?: number;
  finished_at?: number;
  revision: number;
}

/** One write of the mirror: the run and what changed of it since the last write. */
export interface MirrorRows {
  run: RunRow;
  steps: StepRow[];
  approvals: ApprovalRow[];
  triggers: TriggerRow[];
  job_runs: JobRunRow[];
  commands: CommandOutcome[];
  /** What they showed when they were applied, by command id; of the older of very many it is not known any more. */
  replies?: Record<string, Shown>;
  /** Those that another one has followed; absent where there are none. */
  attempts?: AttemptRow[];
  /** Why steps wait, or ended as they did; absent where there is nothing to tell. */
  decisions?: DecisionRow[];
}

export interface Shown {
  run: RunRow;
  step?: StepRow;
  approval?: ApprovalRow;
  trigger?: TriggerRow;
}
