import type { Approval } from "../contract/runs.ts";
import { unlessEmpty } from "./unless-empty.ts";
import { shownTime } from "./shown-time.ts";
import type { ApprovalRow } from "../../workflows/engine/mirror/rows.ts";
import type { ApprovalState } from "../../workflows/engine/state.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

export function presentApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    workflow_run_id: row.run_id,
    workflow_step_run_id: row.step_run_id,
    approvers: row.approvers,
    required: row.required,
    status: row.status,
    approved_by: row.approved_by,
    requested_at: rfc3339(row.requested_at),
    approved_at: shownTime(row.approved_at),
    expires_at: shownTime(row.expires_at),
    error: row.error || undefined,
    ...presentVoices(row),
    ...presentTurns(row),
  };
}

/** What has become of a gate while nobody decided it. */
export function presentTurns({ reassignments, extensions, ...gate }: Turns) {
  return {
    escalation_level: gate.escalation_level,
    escalated_at: shownTime(gate.escalated_at),
    reminders: gate.reminders,
    reminded_at: shownTime(gate.reminded_at),
    reassignments: reassignments?.map(({ dropped, ...one }) => ({ ...dated(one), dropped: dropped?.map(dated) })),
    extensions: extensions?.map(({ until, ...one }) => ({ ...dated(one), until: rfc3339(until) })),
  };
}

type Turns = Pick<
  ApprovalState,
  "escalation_level" | "escalated_at" | "reminders" | "reminded_at" | "reassignments" | "extensions"
>;

/** What was said to a gate, or to an earlier attempt at it. A single vote that decided it says no more than `approved_by`. */
export function presentVoices({ status, votes = [], comments = [] }: Voices) {
  const [first] = votes;
  const isKnown = votes.length === 1 && status !== "pending" && !first?.as && !first?.comment;
  return {
    votes: isKnown ? undefined : unlessEmpty(votes.map(dated)),
    comments: unlessEmpty(comments.map(dated)),
  };
}

type Voices = Pick<ApprovalState, "status" | "votes" | "comments">;

const dated = <Said extends { at: number }>({ at, ...said }: Said) => ({ ...said, at: rfc3339(at) });
