import type { Db } from "./postgres/pool.ts";

/** For how long a workflow counts as stuck: the cause may have been fixed since. */
const REMEMBERED = "1 day";

export async function rememberStuckWorkflow(db: Db, workflowId: string, runId: string): Promise<void> {
  await db.query(
    `insert into stuck_workflows (workflow_id, run_id) values ($1, $2)
     on conflict (workflow_id) do update set run_id = excluded.run_id, at = excluded.at`,
    [workflowId, runId],
  );
}

export async function listStuckWorkflows(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ workflow_id: string }>(
    `select workflow_id from stuck_workflows where at > now() - interval '${REMEMBERED}'`,
  );
  return rows.map(({ workflow_id }) => workflow_id);
}
