import type { Approval } from "../contract/runs.ts";
import { shownTime } from "./shown-time.ts";
import type { ApprovalRow } from "../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

export function presentApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    workflow_run_id: row.run_id,
    workflow_step_run_id: row.step_run_id,
    approvers: row.approvers,
    status: row.status,
    approved_by: row.approved_by,
    requested_at: rfc3339(row.requested_at),
    approved_at: shownTime(row.approved_at),
    expires_at: shownTime(row.expires_at),
    error: row.error || undefined,
  };
}
