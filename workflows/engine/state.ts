import type { JsonDoc } from "../../src/contract/json.ts";
import type {
  ApprovalStatus,
  EventTriggerStatus,
  NotifyStatus,
  RunStatus,
  StepStatus,
} from "../../src/contract/runs.ts";
import type { CommandOutcome } from "./command.ts";
import type { Found } from "./values.ts";

/** Why a step ended without doing its work: someone decided it, its condition was false, or what it needs ended badly. */
export type Cause = "operator" | "condition" | "dependency";

export interface ApprovalState {
  status: ApprovalStatus;
  requested_at: number;
  expires_at?: number;
  approved_by?: string;
  approved_at?: number;
  error?: string;
}

export interface TriggerState {
  status: EventTriggerStatus;
  requested_at: number;
  expires_at?: number;
  /** Rendered and registered by an activity. Whoever sends to it may know it before the run has heard of it. */
  event_key?: string;
  received_at?: number;
  sent_by?: string;
  response_payload?: JsonDoc;
  /** Of the one POST that its event_notify_url gets; absent where there is nobody to tell. */
  notify_status?: NotifyStatus;
  error?: string;
}

export interface StepState {
  status: StepStatus;
  /** Counts every attempt of the step, over all its job runs; 1 before the first. */
  attempt: number;
  /** The attempt with which the current job run began. */
  first_attempt: number;
  /** How often the step was reset. Whatever was begun under an older generation no longer counts. */
  generation: number;
  started_at?: number;
  /** Of the present attempt, where it is not the first of its job run. */
  attempt_started_at?: number;
  finished_at?: number;
  error?: string;
  output?: JsonDoc;
  cause?: Cause;
  job_run_id?: string;
  child_run_id?: string;
  /** The child was begun: it must be told when its step ends without it. */
  child_started?: true;
  /** The child is an earlier one: opened again by this step, or by someone else. */
  child?: "reopened" | "adopted";
  /** The child that ended by itself and said so. */
  child_ended?: string;
  /** When the open step needs a timer: the end of a sleep, a gate's expiry, a job's next attempt. */
  deadline?: number;
  /** An attempt has failed and the next one has not begun: until its deadline, and from then on for a free place. */
  between_attempts?: true;
  /** The last failed attempt of the current job run. */
  last_failure?: { class: string; error: string; at?: number };
  approval?: ApprovalState;
  trigger?: TriggerState;
  /** It may start, but for values of large documents, which are being looked up. */
  asking?: true;
  /** What was looked up, until it starts. */
  found?: Record<string, Found>;
  /** The step completed and its event_emit_key has not been sent yet. */
  emitting?: true;
  revision: number;
}

/** All that changes of a run. Plain JSON: this is what continue-as-new carries. */
export interface RunState {
  status: RunStatus;
  error?: string;
  started_at: number;
  finished_at?: number;
  expires_at?: number;
  revision: number;
  /** When the last thing happened to it, by whichever clock told so. */
  latest?: number;
  /** Given by a recovery, in place of the plan's. */
  payload?: JsonDoc;
  step_payloads?: Record<string, JsonDoc>;
  /** Of a sub-workflow: its parent, which thinks it over, has to be told that it runs again. */
  returning?: true;
  /** Of a sub-workflow that was opened again: for its parent to tell this end from former ones. */
  life?: number;
  steps: StepState[];
  commands: CommandOutcome[];
}
