import type { Db } from "./postgres/pool.ts";

/** Slugs of workflows whose newest version calls the job, some of them. */
export async function workflowsThatCall(db: Db, projectId: string, jobId: string): Promise<string[]> {
  const { rows } = await db.query<{ slug: string }>(
    `select workflow.slug from workflows workflow join workflow_versions version using (version_id)
     where workflow.project_id = $1 and ${callsJob("$2")} order by workflow.slug limit 5`,
    [projectId, jobId],
  );
  return rows.map(({ slug }) => slug);
}

/** Whether a run is open that calls the job, or may come to it. */
export async function hasActiveRuns(db: Db, projectId: string, jobId: string): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select
       exists (select from job_runs where job_id = $2::text::uuid and finished_at is null)
       or exists (
         select from workflow_versions version
         where version.project_id = $1 and ${callsJob("$2")} and exists (
           select from workflow_runs run
           where run.workflow_version_id = version.version_id
             and (run.workflow_id = version.workflow_id and run.status = 'running'
               or run.project_id = version.project_id and run.status in ('paused', 'pending')))) as found`,
    [projectId, jobId],
  );
  return rows[0]?.found === true;
}

/** Of most versions their text says already that they don't. */
const callsJob = (id: string) => `
  version.steps::text like '%' || ${id}::text || '%'
  and exists (select from json_array_elements(version.steps) step where step->>'job_id' = ${id}::text)`;
