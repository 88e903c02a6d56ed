import type { JsonDoc } from "../../src/contract/json.ts";
import type { EventTriggerStatus, NotifyStatus } from "../../src/contract/events/event-trigger.ts";
import type { ApprovalStatus, RunStatus, StepStatus } from "../../src/contract/runs.ts";
import type { CommandOutcome } from "./command.ts";
import type { Involvement } from "./gates/gate.ts";

/** What a path in a large document was found to lead to. `size`: in characters of JSON, of what is too large to be compared. */
export type Found = { text: string } | { size: number } | { nothing: true };

/** Why a step ended without doing its work: someone decided it, its condition was false, or what it needs ended badly. */
export type Cause = "operator" | "condition" | "dependency";

export interface Vote {
  actor: string;
  decision: "approve" | "reject";
  at: number;
  /** The group that made the actor an approver, as `group:name`. */
  as?: string;
  comment?: string;
  /** Of a gate with options. */
  option?: string;
  /** Of a gate with a form: what the step puts out if this vote decides it. */
  output?: JsonDoc;
}

export interface Comment {
  actor: string;
  at: number;
  comment: string;
}

/** Who decided from then on. */
export interface Reassignment {
  actor: string;
  at: number;
  approvers: string[];
  reason?: string;
  /** The votes of those who were no approvers any more. */
  dropped?: Vote[];
}

/** The deadline from then on. */
export interface Extension {
  actor: string;
  at: number;
  until: number;
  reason?: string;
}

export interface ApprovalState {
  status: ApprovalStatus;
  requested_at: number;
  expires_at?: number;
  /** Who decides it, where those are not simply those of its definition: what references led to when it opened, others since. */
  approvers?: string[];
  /** Rendered when it opened: JSON with a member for each field that it shows. Absent: there is nothing but its name. */
  shown?: JsonDoc;
  /** Of that, see gates/shown.ts. */
  shown_hash?: string;
  /** The option that was chosen. */
  option?: string;
  approved_by?: string;
  approved_at?: number;
  error?: string;
  /** One a person. Absent: none, or decided before votes were kept. */
  votes?: Vote[];
  comments?: Comment[];
  /** How many steps of its escalation have been taken, and when the last was. */
  escalation_level?: number;
  escalated_at?: number;
  /** How often its approvers were reminded, and when last. */
  reminders?: number;
  reminded_at?: number;
  reassignments?: Reassignment[];
  /** See Opened. Not mirrored: a gate of a run that is over is asked again or not at all. */
  handed_on?: string[];
  extensions?: Extension[];
}

/** What is known of a gate once an activity has rendered it. */
export type RenderedGate = Pick<ApprovalState, "approvers" | "shown" | "shown_hash">;

export interface TriggerState {
  status: EventTriggerStatus;
  requested_at: number;
  expires_at?: number;
  /** Rendered and registered by an activity. A sender may know it before the run does. */
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
  /** The child is not a new one: this step has reopened it, or someone else has, and the step has adopted it. */
  child?: "reopened" | "adopted";
  /** The child that ended by itself and said so. */
  child_ended?: string;
  /** When the open step needs a timer: the end of a sleep, a gate's expiry, a job's next attempt. */
  deadline?: number;
  /** An attempt has failed and the next one has not begun: until its deadline, and from then on for a free place. */
  between_attempts?: true;
  /** The last failed attempt of the current job run. */
  last_failure?: {
    class: string;
    error: string;
    at?: number /** Attempts that the job run may have. */;
    most?: number;
  };
  approval?: ApprovalState;
  trigger?: TriggerState;
  /** It could start, but values in large documents are still being looked up. */
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
  /** The time of its last event, by whichever clock dated it. */
  latest?: number;
  /** Given by a recovery, in place of the plan's. */
  payload?: JsonDoc;
  step_payloads?: Record<string, JsonDoc>;
  involved?: Involvement;
  // Carried states and recorded signals hold the next two under these names.
  /** Of a sub-workflow that runs again after its end: its parent still has to be told, which takes it for over. */
  returning?: true;
  /**
   * Of a sub-workflow that its parent has reopened: the generation of the parent's step that waits for it now. It tells its
   * end with it, so that the parent can tell this end from earlier ones.
   */
  life?: number;
  steps: StepState[];
  commands: CommandOutcome[];
}
