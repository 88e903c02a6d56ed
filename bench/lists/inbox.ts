import type { Pool } from "pg";
import type { Case } from "./case.ts";
import { projectId } from "./fill.ts";
import { approvalsStatement } from "../../src/store/approvals/approval-lists.ts";

const GATES = 100_000;
const MINE = 20;

/** Gates of runs of the largest project that wait, of which a few wait for ada. */
export async function fillInbox(db: Pool): Promise<void> {
  await db.query(
    `insert into approvals (
       id, run_id, step_run_id, project_id, step_ref, approvers, status, requested_at, expires_at, due_at, revision)
     select 'approval:' || run.id, run.id, gen_random_uuid(), run.project_id, 'gate',
       case when run.n % $2 = 0 then '["ada"]' else '["bob", "group:finance"]' end::json,
       'pending', now(), now() + run.n * interval '1 minute', now() + run.n * interval '1 minute', 1
     from (
       select id, project_id, row_number() over () as n from workflow_runs where project_id = $1 limit $3
     ) run
     on conflict do nothing`,
    [projectId(0), GATES / MINE, GATES],
  );
  await db.query("analyze approvals");
}

export function inboxCases(): Case[] {
  const project_id = projectId(0);
  const mine = { actor: "ada", groups: [] };
  return [
    {
      name: `what waits for me, ${MINE} of ${GATES.toLocaleString("en")} approvals`,
      kind: "search",
      paths: [`/v1/approvals?project_id=${project_id}&mine=true&status=pending`],
      statements: [approvalsStatement({ project_id, mine, status: "pending", limit: 51 })],
    },
    {
      name: "approvals of the project, as they fall due",
      kind: "search",
      paths: [`/v1/approvals?project_id=${project_id}&status=pending`],
      statements: [approvalsStatement({ project_id, status: "pending", limit: 51 })],
    },
  ];
}
