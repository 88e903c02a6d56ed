import type { JsonDoc } from "../../src/contract/json.ts";
import type { NewVersion } from "./plan.ts";
import { quoted } from "../expressions/printed.ts";

/** The verbs that steer a run; each is a signal of this name. */
export const VERBS = [
  "pause",
  "resume",
  "approve",
  "reject",
  "choose",
  "withdraw",
  "comment",
  "reassign",
  "extend",
  "skip",
  "force-complete",
  "retry",
  "replay-subtree",
  "send-event",
  "cancel-event",
] as const;

/** What runs say to each other when one of them is recovered; commands like the others. */
export const VERBS_BETWEEN_RUNS = ["reopen", "adopt"] as const;

export type Verb = (typeof VERBS)[number] | (typeof VERBS_BETWEEN_RUNS)[number];

/**
 * What a command signal carries. Only `step_ref` (for the verbs of a step) is required of a hand-written signal:
 * a missing id is made, a missing actor is "temporal", and time is the workflow's own.
 */
export interface CommandPayload {
  id?: string;
  actor?: string;
  /** Whoever sends it may pass approvals without being an approver. Of a hand-written signal, too: who reaches Temporal can say anything. */
  may_override?: boolean;
  /** The groups that its sender is in: an approver may be one as `group:name`. */
  groups?: string[];
  step_ref?: string;
  reason?: string;
  /** approve, reject, choose, comment: what is said with it. */
  comment?: string;
  /** reassign: who decides from now on. */
  approvers?: string[];
  /** extend: the deadline from now on, RFC 3339. */
  until?: string;
  /** choose: one of the gate's options. */
  option?: string;
  /** approve, reject, choose: what it is about, the attempt of the step, and what the gate shows. Refused where that is another one by now. */
  step_attempt?: number;
  shown_hash?: string;
  /** approve, choose: the form of the gate that `result` was checked by. Of a hand-written signal, whoever sends it has checked it. */
  form_hash?: string;
  /**
   * force-complete: the step's output. send-event, and approve through its event key: the payload. approve with a form: its values;
   * choose: the output with them.
   */
  result?: JsonDoc;
  /** send-event: the key it was sent to. */
  event_key?: string;
  /** retry and replay-subtree: the run's payload from now on. */
  payload?: JsonDoc;
  /** retry and replay-subtree: by step_ref, in place of the payload of the step's definition. */
  step_payloads?: Record<string, JsonDoc>;
  /** retry and replay-subtree: the version of its workflow that the run goes on in. */
  in_version?: NewVersion;
  /** adopt: the sub-workflow that runs again. */
  child_run_id?: string;
  /** reopen: what the sub-workflow is to name when it tells of its end. */
  life?: number;
  /** reopen: nothing of the sub-workflow is reset; it is only to tell of its end. */
  only_tell?: boolean;
}

/** The verbs that only steps of one type take; see steps/. */
export type StepVerb = Extract<
  Verb,
  "approve" | "reject" | "choose" | "withdraw" | "comment" | "reassign" | "extend" | "send-event" | "cancel-event"
>;

export interface CommandOutcome {
  id: string;
  /** Or the name of a signal that is none, or what Temporal itself was asked for: "cancel". */
  verb: string;
  actor: string;
  step_ref?: string;
  /** Epoch milliseconds of the workflow's clock. */
  at: number;
  status: "applied" | "refused";
  code?: "invalid_state" | "approver_not_allowed" | "forbidden" | "not_found" | "conflict" | "validation_error";
  message?: string;
  /** All that `message` tells the first of. */
  details?: string[];
  reset_steps?: number;
  /** Of a pause: why. */
  reason?: string;
  /** Of a pause: false where the run was paused already, and nothing was said of why. */
  is_news?: boolean;
}

export interface Refusal {
  status: "refused";
  code: NonNullable<CommandOutcome["code"]>;
  message: string;
  details?: string[];
}

export const refused = (code: Refusal["code"], message: string, details?: string[]): Refusal => ({
  status: "refused",
  code,
  message,
  ...(details && { details }),
});

/** In words that clients know; the details name the step. */
export const unknownStep = (verb: string, step_ref: string): Refusal =>
  refused(
    "not_found",
    verb === "replay-subtree" ? "step not found in workflow version" : "workflow step run not found",
    [`step_ref: the run has no step ${quoted(step_ref)}`],
  );
