import { LRUCache } from "lru-cache";
import type { Db } from "./postgres/pool.ts";
import type { StoredStep } from "./workflow-versions.ts";

/**
 * The plan of the runs that triggers of the job make: its version's id. It is a version without a workflow: runs are pinned to
 * it as to any other, and no list of workflows shows it. It calls the job as that is when it is called, so one is enough.
 */
export async function planOfJobRuns(
  db: Db,
  job: { id: string; project_id: string; name: string; slug: string },
  make: () => { version_id: string; step: StoredStep },
): Promise<string> {
  const known = plans.get(job.id) ?? (await findPlan(db, job.id));
  if (known !== undefined) return known;
  const { version_id, step } = make();
  await db.query(
    `insert into workflow_versions (
       version_id, workflow_id, version, project_id, name, slug, enabled, timeout_secs, max_concurrent_runs,
       max_parallel_steps, skip_if_running, created_at, steps)
     values ($1, $2, 1, $3, $4, $5, true, 0, 0, 0, false, now(), $6::json)
     on conflict (workflow_id, version) do nothing`,
    [version_id, job.id, job.project_id, job.name, job.slug, JSON.stringify([step])],
  );
  return (await findPlan(db, job.id)) as string;
}

/** It never changes. */
const plans = new LRUCache<string, string>({ max: 500 });

async function findPlan(db: Db, jobId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ version_id: string }>(
    "select version_id from workflow_versions where workflow_id = $1 and version = 1",
    [jobId],
  );
  if (rows[0]) plans.set(jobId, rows[0].version_id);
  return rows[0]?.version_id;
}
