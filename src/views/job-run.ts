import type { JobRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import type { StoredJob } from "../store/jobs.ts";
import { shownDocuments } from "./shown-documents.ts";
import { shownTime } from "./shown-time.ts";
import type { JobRunRow, RunRow } from "../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

export async function presentJobRun(
  { db }: Deps,
  row: JobRunRow,
  job: StoredJob | undefined,
  run: RunRow | undefined,
): Promise<JobRun> {
  const { found } = await shownDocuments(db, [row.output]);
  const [result] = found;
  return {
    id: row.id,
    job_id: row.job_id,
    project_id: row.project_id,
    status: row.status,
    attempt: row.attempt,
    triggered_by: "workflow",
    priority: 0,
    // Steps execute the job as it is when they are dispatched.
    job_version: 0,
    job_version_id: job?.version_id ?? "",
    debug_mode: false,
    lineage_depth: 0,
    execution_mode: job?.execution_mode ?? "http",
    workflow_step_run_id: row.step_run_id,
    result,
    error: row.error || undefined,
    started_at: shownTime(row.started_at),
    finished_at: shownTime(row.finished_at),
    created_by: "system:workflow",
    tags: run?.tags && Object.keys(run.tags).length > 0 ? run.tags : undefined,
    created_at: rfc3339(row.started_at),
  };
}
