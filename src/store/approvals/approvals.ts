import { type Columns, isUuid, withoutNulls } from "../postgres/columns.ts";
import type { JsonDoc } from "../../contract/json.ts";
import type { ApprovalExclusion } from "../../contract/steps/approval.ts";
import type { Db } from "../postgres/pool.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";
import type { Comment, Extension, Reassignment, Vote } from "../../../workflows/engine/state.ts";

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

type InJson = "approvers" | "exclude" | "votes" | "comments" | "shown" | "notify" | "reassignments" | "extensions";
export type ApprovalColumns = Columns<Omit<ApprovalRow, InJson>> & { [Column in InJson]: string | null } & {
  due_at: number | null;
};

export const approvalOf = ({ due_at: _, ...row }: ApprovalColumns): ApprovalRow =>
  withoutNulls<ApprovalRow>({
    ...row,
    approvers: listIn<string>(row.approvers) ?? [],
    exclude: listIn<ApprovalExclusion>(row.exclude),
    votes: listIn<Vote>(row.votes),
    comments: listIn<Comment>(row.comments),
    shown: row.shown === null ? null : (JSON.parse(row.shown) as JsonDoc),
    notify: listIn<string[]>(row.notify),
    reassignments: listIn<Reassignment>(row.reassignments),
    extensions: listIn<Extension>(row.extensions),
  });

const listIn = <Item>(json: string | null) => (json === null ? null : (JSON.parse(json) as Item[]));
