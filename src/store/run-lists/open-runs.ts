import type { Db } from "../postgres/pool.ts";

const OPEN = "status in ('pending', 'running', 'paused')";

export async function hasOpenRuns(db: Db, workflowId: string): Promise<boolean> {
  const { rowCount } = await db.query(`select from workflow_runs where workflow_id = $1 and ${OPEN} limit 1`, [
    workflowId,
  ]);
  return rowCount === 1;
}

export async function countOpenRunsOf(db: Db, workflowId: string, versionId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*) from workflow_runs where workflow_id = $1 and ${OPEN} and workflow_version_id = $2`,
    [workflowId, versionId],
  );
  return rows[0]?.count ?? 0;
}

export interface OpenRuns {
  version_id: string;
  version: number;
  pending: number;
  running: number;
  paused: number;
  total: number;
}

/** Of each version that has open runs, the newest first, how many. */
export async function countOpenRuns(db: Db, workflowId: string): Promise<OpenRuns[]> {
  const { rows } = await db.query<OpenRuns>(
    `select version_id, version, pending, running, paused, total
     from (
       select
         workflow_version_id as version_id,
         count(*) filter (where status = 'pending') as pending,
         count(*) filter (where status = 'running') as running,
         count(*) filter (where status = 'paused') as paused,
         count(*) as total
       from workflow_runs where workflow_id = $1 and ${OPEN} group by workflow_version_id) open_runs
     join workflow_versions using (version_id)
     order by version desc`,
    [workflowId],
  );
  return rows;
}

/** Of the workflow's latest runs, at most `most`: how many there are, and how many of them are of the version. */
export async function sampleRuns(
  db: Db,
  workflowId: string,
  { versionId, most }: { versionId: string; most: number },
): Promise<{ matching_runs: number; sampled_runs: number }> {
  const { rows } = await db.query<{ matching_runs: number; sampled_runs: number }>(
    `select count(*) as sampled_runs, count(*) filter (where workflow_version_id = $2) as matching_runs
     from (
       select workflow_version_id from workflow_runs where workflow_id = $1
       order by created_at desc, id desc limit $3) latest`,
    [workflowId, versionId, most],
  );
  return rows[0] ?? { matching_runs: 0, sampled_runs: 0 };
}
