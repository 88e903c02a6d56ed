import type { StepOverride } from "../../contract/workflows.ts";
import type { QueryConfig } from "pg";
import type { Cursor } from "../../contract/cursor.ts";
import type { ApprovalStatus } from "../../contract/runs.ts";
import { type ApprovalColumns, approvalOf } from "./approvals.ts";
import { isUuid } from "../postgres/columns.ts";
import { after, parameters, startOf } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";
import { approverNames } from "../../../workflows/engine/gates/gate.ts";
import type { ApprovalRow } from "../../../workflows/engine/mirror/rows.ts";

/** Whose approvals: of a person who is in these groups. */
export interface Deciding {
  actor: string;
  groups: string[];
}

export interface ApprovalsFilter {
  project_id: string;
  status?: ApprovalStatus;
  /** Of those that are pending, the ones that wait for them; else those that they had a part in. */
  mine?: Deciding;
  workflow_id?: string;
  workflow_run_id?: string;
  created_by?: string;
  tag_key?: string;
  tag_value?: string;
  /** Epoch milliseconds. */
  due_before?: number;
  /** Only the gate of this step. */
  of?: { run_id: string; step_ref: string };
}

/** An approval, with what is shown of its run. */
export interface ListedApproval {
  row: ApprovalRow;
  run: {
    workflow_id: string;
    workflow_name: string;
    workflow_version_id: string;
    triggered_by: string;
    created_by?: string;
    tags?: Record<string, string>;
    step_overrides?: StepOverride[];
  };
  /** Where it stands in its list. */
  place: Cursor;
}

type Columns = ApprovalColumns & {
  workflow_id: string;
  workflow_name: string;
  workflow_version_id: string;
  triggered_by: string;
  created_by: string | null;
  tags: Record<string, string> | null;
  step_overrides: string | null;
};

const RUN = "run.workflow_id, run.workflow_name, run.workflow_version_id, run.triggered_by, run.created_by, run.tags";

type Request = ApprovalsFilter & { cursor?: Cursor; limit: number };

/** Pending ones as they fall due, those without an end last; all others newest first. */
export async function listApprovalsOf(db: Db, request: Request): Promise<ListedApproval[]> {
  const { rows } = await db.query<Columns>(approvalsStatement(request));
  return rows.map((row) => listed(row, request.status === "pending"));
}

export function approvalsStatement({ cursor, limit, ...filter }: Request): QueryConfig {
  const { values, given } = parameters();
  const isByDue = filter.status === "pending";
  const { from, where } = selection(filter, given);
  if (isByDue && cursor) {
    const [at, id] = startOf(cursor);
    where.push(`(gate.due_at, gate.step_run_id) > (epoch_ms(${given(at)}), ${given(id)}::uuid)`);
  } else where.push(...after(cursor, "gate.requested_at", "gate.step_run_id", given));
  const order = isByDue ? "gate.due_at, gate.step_run_id" : "gate.requested_at desc, gate.step_run_id desc";
  const text = `${from}
     select gate.*, ${RUN}, run.step_overrides
     from gate join workflow_runs run on run.id = gate.run_id
     where ${where.join(" and ")}
     order by ${order} limit ${given(limit)}`;
  return { text, values };
}

export interface ApprovalCounts {
  total: number;
  /** Of those that have an end. */
  due_within_24h: number;
  overdue: number;
  by_workflow: { workflow_id: string; workflow_name: string; count: number }[];
}

export async function countApprovals(db: Db, filter: ApprovalsFilter): Promise<ApprovalCounts> {
  const { values, given } = parameters();
  const { from, where } = selection(filter, given);
  const { rows } = await db.query<{
    workflow_id: string;
    workflow_name: string;
    count: number;
    due: number;
    over: number;
  }>(
    `${from}
     select run.workflow_id, max(run.workflow_name) as workflow_name, count(*) as count,
       count(*) filter (where gate.expires_at between now() and now() + interval '24 hours') as due,
       count(*) filter (where gate.expires_at < now()) as over
     from gate join workflow_runs run on run.id = gate.run_id
     where ${where.join(" and ")}
     group by run.workflow_id order by count(*) desc, run.workflow_id`,
    values,
  );
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((all, row) => all + of(row), 0);
  return {
    total: sum(({ count }) => count),
    due_within_24h: sum(({ due }) => due),
    overdue: sum(({ over }) => over),
    by_workflow: rows.map(({ due: _, over: __, ...counted }) => counted),
  };
}

/**
 * What waits for somebody is found by their names first: few of very many. The planner knows nothing of how many a name finds, and
 * would read all of the project's in their order.
 */
function selection(filter: ApprovalsFilter, given: (value: unknown) => string) {
  const { project_id, status, mine, workflow_id, workflow_run_id, created_by, tag_key, tag_value, due_before, of } =
    filter;
  const where = [`gate.project_id = ${given(project_id)}`];
  if (status !== undefined) where.push(`gate.status = ${given(status)}`);
  if (workflow_id !== undefined) where.push(`run.workflow_id::text = ${given(workflow_id)}`);
  if (workflow_run_id !== undefined)
    where.push(isUuid(workflow_run_id) ? `gate.run_id = ${given(workflow_run_id)}` : "false");
  if (created_by !== undefined) where.push(`run.created_by = ${given(created_by)}`);
  if (tag_key !== undefined)
    where.push(
      tag_value === undefined
        ? `run.tags ? ${given(tag_key)}`
        : `run.tags @> ${given(JSON.stringify({ [tag_key]: tag_value }))}::jsonb`,
    );
  if (of) where.push(`gate.run_id = ${given(of.run_id)} and gate.step_ref = ${given(of.step_ref)}`);
  if (due_before !== undefined) where.push(`gate.expires_at < epoch_ms(${given(due_before)})`);
  if (!mine) return { from: "with gate as not materialized (select * from approvals)", where };

  const names = given(approverNames(mine));
  const vote = given(JSON.stringify([{ actor: mine.actor }]));
  if (status === "pending") {
    where.push(`not coalesce(gate.votes::jsonb @> ${vote}::jsonb, false)`);
    const actor = given(mine.actor);
    const isOwn = `(${actor} in (run.created_by, run.retried_by) or coalesce(run.involved->'started' ? ${actor}, false))`;
    where.push(`not coalesce(gate.exclude::jsonb ? 'created_by' and ${isOwn}, false)`);
    const waiting = `status = 'pending' and approvers::jsonb ?| ${names}::text[]`;
    return { from: `with gate as materialized (select * from approvals where ${waiting})`, where };
  }
  where.push(`(gate.approvers::jsonb ?| ${names}::text[] or coalesce(gate.votes::jsonb @> ${vote}::jsonb, false))`);
  return { from: "with gate as not materialized (select * from approvals)", where };
}

function listed(columns: Columns, isByDue: boolean): ListedApproval {
  const { workflow_id, workflow_name, workflow_version_id, triggered_by, created_by, tags, step_overrides, ...gate } =
    columns;
  const row = approvalOf(gate);
  return {
    row,
    run: {
      workflow_id,
      workflow_name,
      workflow_version_id,
      triggered_by,
      created_by: created_by ?? undefined,
      tags: tags ?? undefined,
      step_overrides: step_overrides === null ? undefined : (JSON.parse(step_overrides) as StepOverride[]),
    },
    place: { at: isByDue ? (columns.due_at ?? 0) : row.requested_at, id: row.step_run_id },
  };
}
