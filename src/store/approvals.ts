import { type Columns, isId, present } from "./columns.ts";
import type { Db } from "./pool.ts";
import type { ApprovalRow } from "../../workflows/engine/mirror/rows.ts";

export async function findApproval(db: Db, stepRunId: string): Promise<ApprovalRow | undefined> {
  if (!isId(stepRunId)) return undefined;
  const { rows } = await db.query<ApprovalColumns>("select * from approvals where step_run_id = $1", [stepRunId]);
  return rows[0] && approvalOf(rows[0]);
}

/** The gates of a run that ever opened, each as it was when it was open last. */
export async function listApprovals(db: Db, runId: string): Promise<ApprovalRow[]> {
  if (!isId(runId)) return [];
  const { rows } = await db.query<ApprovalColumns>("select * from approvals where run_id = $1", [runId]);
  return rows.map(approvalOf);
}

type ApprovalColumns = Columns<Omit<ApprovalRow, "approvers">> & { approvers: string };

const approvalOf = (row: ApprovalColumns): ApprovalRow =>
  present<ApprovalRow>({ ...row, approvers: JSON.parse(row.approvers) as string[] });
