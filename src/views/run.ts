import { type JsonDoc, JsonText } from "../contract/json.ts";
import type { Approval, Attempt, JobRun, StepRun, WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { loadTextsWithin } from "../store/documents.ts";
import type { StoredJob } from "../store/jobs.ts";
import type { ListedRun } from "../store/listed-run.ts";
import type { ApprovalRow, AttemptRow, JobRunRow, RunRow, StepRow } from "../../workflows/engine/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** What all the documents of one answer may be together. The first one is shown in any case. */
const MAX_DOCUMENTS_BYTES = 4 * 1_048_576;

/**
 * Rows as clients see them: times written out, documents in place, what has no value left out. As many of them, from the
 * first one on, as one answer has room for.
 */
export async function presentRuns({ db }: Deps, rows: (RunRow | ListedRun)[]): Promise<WorkflowRun[]> {
  const { found: payloads, leftOut } = await documents(
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
    started_at: time(row.started_at),
    finished_at: time(row.finished_at),
    expires_at: time(row.expires_at),
    retry_of_run_id: row.retry_of_run_id,
    parent_workflow_run_id: row.parent_workflow_run_id,
    parent_step_run_id: row.parent_step_run_id,
    tags: row.tags && Object.keys(row.tags).length > 0 ? row.tags : undefined,
    workflow_version_id: row.workflow_version_id,
    created_by: row.created_by,
    created_at: time(row.created_at),
  }));
}

export async function presentRun(deps: Deps, row: RunRow): Promise<WorkflowRun> {
  const [run] = await presentRuns(deps, [row]);
  return run as WorkflowRun;
}

/** All of them. `leftOut`: the places of those for whose output one answer has no room. */
export interface WithOutputs<Item> {
  items: Item[];
  leftOut: number[];
}

async function withOutputs<Row extends Pick<StepRow, "output">, Item>(
  { db }: Deps,
  rows: Row[],
  present: (row: Row, output?: JsonText) => Item,
): Promise<WithOutputs<Item>> {
  const { found, leftOut } = await documents(
    db,
    rows.map(({ output }) => output),
  );
  return { items: rows.map((row, i) => present(row, found[i])), leftOut };
}

export const presentSteps = (deps: Deps, rows: StepRow[]): Promise<WithOutputs<StepRun>> =>
  withOutputs(deps, rows, (row, output) => ({
    id: row.id,
    workflow_run_id: row.run_id,
    workflow_step_id: row.workflow_step_id,
    step_ref: row.step_ref,
    job_run_id: row.job_run_id,
    attempt: row.attempt,
    status: row.status,
    deps_completed: row.deps_completed,
    deps_required: row.deps_required,
    output,
    error: row.error || undefined,
    started_at: time(row.started_at),
    finished_at: time(row.finished_at),
    created_at: rfc3339(row.created_at),
  }));

export const presentAttempts = (deps: Deps, rows: AttemptRow[]): Promise<WithOutputs<Attempt>> =>
  withOutputs(deps, rows, (row, output) => ({
    attempt: row.attempt,
    status: row.status,
    cause: row.cause,
    job_run_id: row.job_run_id,
    output,
    error: row.error || undefined,
    approval: row.approval && {
      status: row.approval.status,
      approved_by: row.approval.approved_by,
      requested_at: rfc3339(row.approval.requested_at),
      approved_at: time(row.approval.approved_at),
      expires_at: time(row.approval.expires_at),
      error: row.approval.error || undefined,
    },
    started_at: time(row.started_at),
    finished_at: time(row.finished_at),
  }));

export function presentApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    workflow_run_id: row.run_id,
    workflow_step_run_id: row.step_run_id,
    approvers: row.approvers,
    status: row.status,
    approved_by: row.approved_by,
    requested_at: rfc3339(row.requested_at),
    approved_at: time(row.approved_at),
    expires_at: time(row.expires_at),
    error: row.error || undefined,
  };
}

export async function presentJobRun(
  { db }: Deps,
  row: JobRunRow,
  job: StoredJob | undefined,
  run: RunRow | undefined,
): Promise<JobRun> {
  const { found } = await documents(db, [row.output]);
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
    started_at: time(row.started_at),
    finished_at: time(row.finished_at),
    created_by: "system:workflow",
    tags: run?.tags && Object.keys(run.tags).length > 0 ? run.tags : undefined,
    created_at: rfc3339(row.started_at),
  };
}

/** Epoch milliseconds, or what is written out already. */
export const time = <At extends number | string | undefined>(at: At) =>
  (typeof at === "number" ? rfc3339(at) : at) as At extends number | string ? string : undefined;

const NULL = { text: "null" };

/** Of each row its document, if there is room for it. A JSON null says the same as none at all: members are omitted, never null. */
export async function documents(
  db: Deps["db"],
  docs: (JsonDoc | undefined)[],
): Promise<{ found: (JsonText | undefined)[]; leftOut: number[] }> {
  const texts = await loadTextsWithin(
    db,
    docs.map((doc) => doc ?? NULL),
    MAX_DOCUMENTS_BYTES,
  );
  return {
    found: texts.map((text) => (text === undefined || text.trim() === NULL.text ? undefined : new JsonText(text))),
    leftOut: texts.flatMap((text, i) => (text === undefined ? [i] : [])),
  };
}
