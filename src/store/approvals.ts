import type { ApprovalRow } from "../../workflows/engine/rows.ts";
import { type Columns, isId, present } from "./columns.ts";
import type { Db } from "./pool.ts";

export async function findApproval(db: Db, stepRunId: string): Promise<ApprovalRow | undefined> {
  if (!isId(stepRunId)) return undefined;
  const { rows } = await db.query<Columns<Omit<ApprovalRow, "approvers">> & { approvers: string }>(
    "select * from approvals where step_run_id = $1",
    [stepRunId],
  );
  return rows[0] && present<ApprovalRow>({ ...rows[0], approvers: JSON.parse(rows[0].approvers) as string[] });
}
