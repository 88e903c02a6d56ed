import type { Db } from "../postgres/pool.ts";

/** Keeps others from changing these runs, or making retries of them. Answers which: those that are in use right now are left out. */
export async function lockRuns(db: Db, ids: string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    "select id from workflow_runs where id = any($1) for update skip locked",
    [ids],
  );
  return rows.map(({ id }) => id);
}

/** A run, or one of its sub-workflow runs. */
export interface TreeRun {
  root: string;
  id: string;
  /** The run itself has 0. */
  level: number;
  /**
   * It ended before the time that was asked for, no open run retries it, which reads what this one has kept, and nobody has just
   * begun to have it go on, which Temporal may not know yet.
   */
  is_over: boolean;
  /** It was asked to go on after its end, and may not have ended since: the times are of different clocks. */
  is_reopened: boolean;
}

// One by one, with limits: of many trees at once Postgres would rather read all runs there are.
export async function listTrees(db: Db, roots: string[], settledBefore: number): Promise<TreeRun[]> {
  const { rows } = await db.query<TreeRun>(
    `with recursive tree(root, id, level) as (
       select id, id, 0 from unnest($1::uuid[]) as root(id)
       union all
       select root, child.id, level + 1 from tree join workflow_runs child on child.parent_workflow_run_id = tree.id
     )
     select tree.*, coalesce(finished_at < epoch_ms($2), false) and coalesce((
         select false from workflow_runs retry where retry.retry_of_run_id = run.id and retry.finished_at is null limit 1), true)
         and coalesce(reopened_at < now() - interval '1 minute', true) as is_over,
       coalesce(reopened_at > finished_at - interval '10 minutes', false) as is_reopened
     from tree, lateral (select * from workflow_runs run where run.id = tree.id limit 1) run`,
    [roots, settledBefore],
  );
  return rows;
}
