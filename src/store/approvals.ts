import { type Columns, isUuid, withoutNulls } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import type { ApprovalRow } from "../../workflows/engine/mirror/rows.ts";

export async function findApproval(db: Db, stepRunId: string): Promise<ApprovalRow | undefined> {
  if (!isUuid(stepRunId)) return undefined;
  const { rows } = await db.query<ApprovalColumns>("select * from approvals where step_run_id = $1", [stepRunId]);
  return rows[0] && approvalOf(rows[0]);
}

/** The approvals of a run that were ever requested, each in its latest state. */
export async function listApprovals(db: Db, runId: string): Promise<ApprovalRow[]> {
  if (!isUuid(runId)) return [];
  const { rows } = await db.query<ApprovalColumns>("select * from approvals where run_id = $1", [runId]);
  return rows.map(approvalOf);
}

type ApprovalColumns = Columns<Omit<ApprovalRow, "approvers">> & { approvers: string };

const approvalOf = (row: ApprovalColumns): ApprovalRow =>
  withoutNulls<ApprovalRow>({ ...row, approvers: JSON.parse(row.approvers) as string[] });
