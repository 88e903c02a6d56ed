import type { JobRun } from "../contract/jobs/runs.ts";
import type { Deps } from "../deps.ts";
import { shownDocuments } from "./shown-documents.ts";
import { shownTime } from "./shown-time.ts";
import type { StoredJobRun } from "../store/job-runs.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { unlessEmpty } from "./unless-empty.ts";

/** As many of them, from the first one on, as one answer has room for with what they were given and answered. */
export async function presentJobRuns({ db }: Deps, rows: StoredJobRun[]): Promise<JobRun[]> {
  const { found, leftOut } = await shownDocuments(
    db,
    rows.flatMap(({ run, output }) => [run?.payload, output]),
  );
  const [first] = leftOut;
  // The first one is shown in any case.
  const room = first === undefined ? rows.length : Math.max(1, Math.floor(first / 2));
  return rows.slice(0, room).map((row, i) => ({
    id: row.id,
    job_id: row.job_id,
    project_id: row.project_id,
    status: row.status,
    attempt: row.attempt,
    triggered_by: row.run?.triggered_by ?? "workflow",
    priority: 0,
    // No version is fixed beforehand: the job is called as it is then.
    job_version: 0,
    job_version_id: row.job_version_id ?? "",
    debug_mode: false,
    lineage_depth: 0,
    execution_mode: "http",
    workflow_run_id: row.run_id,
    workflow_step_run_id: row.step_run_id,
    payload: found[2 * i],
    result: found[2 * i + 1],
    error: row.error || undefined,
    started_at: shownTime(row.started_at),
    finished_at: shownTime(row.finished_at),
    expires_at: shownTime(row.run?.expires_at),
    created_by: row.run ? (row.run.created_by ?? "") : "system:workflow",
    tags: unlessEmpty(row.tags),
    created_at: rfc3339(row.created_at),
  }));
}

export async function presentJobRun(deps: Deps, row: StoredJobRun): Promise<JobRun> {
  const [jobRun] = await presentJobRuns(deps, [row]);
  return jobRun as JobRun;
}
