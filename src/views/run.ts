import type { WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import type { ListedRun } from "../store/run-lists/listed-run.ts";
import { shownDocuments } from "./shown-documents.ts";
import { shownTime } from "./shown-time.ts";
import type { StoredRun } from "../store/runs.ts";
import { unlessEmpty } from "./unless-empty.ts";

/**
 * Rows as clients see them: times written out, documents put in, members without a value left out. Only the first rows, as many as
 * one answer has room for.
 */
export async function presentRuns({ db }: Deps, rows: (StoredRun | ListedRun)[]): Promise<WorkflowRun[]> {
  const { found: payloads, leftOut } = await shownDocuments(
    db,
    rows.map(({ payload }) => payload),
  );
  return rows.slice(0, leftOut[0]).map((row, i) => ({
    id: row.id,
    workflow_id: row.workflow_id,
    project_id: row.project_id,
    status: row.status,
    triggered_by: row.triggered_by,
    workflow_version: row.workflow_version,
    max_parallel_steps: row.max_parallel_steps || undefined,
    payload: payloads[i],
    error: row.error || undefined,
    started_at: shownTime(row.started_at),
    finished_at: shownTime(row.finished_at),
    expires_at: shownTime(row.expires_at),
    retry_of_run_id: row.retry_of_run_id,
    retried_by_run_id: row.retried_by_run_id,
    parent_workflow_run_id: row.parent_workflow_run_id,
    parent_step_run_id: row.parent_step_run_id,
    trace_id: row.trace?.trace_id,
    tags: unlessEmpty(row.tags),
    workflow_version_id: row.workflow_version_id,
    created_by: row.created_by,
    created_at: shownTime(row.created_at),
  }));
}

export async function presentRun(deps: Deps, row: StoredRun): Promise<WorkflowRun> {
  const [run] = await presentRuns(deps, [row]);
  return run as WorkflowRun;
}
