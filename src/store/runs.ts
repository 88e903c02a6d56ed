import type { PoolClient } from "pg";
import type { JsonDoc } from "../contract/json.ts";
import type { StepOverride } from "../contract/workflows.ts";
import { Problem } from "../errors.ts";
import { type Columns, isUuid, withoutNulls, recordOf } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./postgres/pool.ts";
import { lockWorkflow } from "./workflows.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";

/** With what others make of it. */
export interface StoredRun extends RunRow {
  /** The newest run that retries it. */
  retried_by_run_id?: string;
  /** When it was last asked to go on after its end. */
  reopened_at?: number;
}

/** SQL that inserts the RunRows of a json expression. The caller appends what to do on conflict. */
export const insertRunsFrom = (json: string) => `
  insert into workflow_runs (
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    retried_by, involved, payload, payload_ref, tags, labels, step_overrides, step_payloads, max_parallel_steps, timeout_secs, error,
    created_at, started_at, finished_at, expires_at,
    retry_of_run_id, parent_workflow_run_id, parent_step_run_id, depth, trace, revision)
  select
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    retried_by, involved, (payload->>'text')::json, (payload->>'ref')::uuid, coalesce(tags, '{}'), labels, step_overrides, step_payloads, max_parallel_steps, timeout_secs, error,
    epoch_ms(created_at), epoch_ms(started_at), epoch_ms(finished_at), epoch_ms(expires_at),
    retry_of_run_id, parent_workflow_run_id, parent_step_run_id, depth, trace, revision
  from json_to_recordset(${json}) as run(
    id uuid, workflow_id uuid, workflow_name text, project_id text, workflow_version integer, workflow_version_id text,
    status text, triggered_by text, created_by text, retried_by text, involved jsonb, payload json, tags jsonb, labels json, step_overrides json,
    step_payloads json, max_parallel_steps integer, timeout_secs integer, error text,
    created_at float8, started_at float8, finished_at float8, expires_at float8,
    retry_of_run_id uuid, parent_workflow_run_id uuid, parent_step_run_id uuid, depth integer, trace jsonb, revision bigint)`;

/**
 * Inserts a run that begins, if its workflow may have one more (0: any number). The workflow is not deleted meanwhile; one that is
 * gone is told as not found. The place is counted and taken under a lock that
 * is held to the end of the caller's transaction. "known": the run is stored already, so that a repeated try takes its place once.
 */
export async function insertRunWithinLimit(
  transaction: PoolClient,
  row: RunRow,
  maxConcurrentRuns: number,
  of: "workflow" | "job" = "workflow",
): Promise<"inserted" | "known" | "full"> {
  if (maxConcurrentRuns > 0) {
    await lockWorkflow(transaction, row.workflow_id);
    if (await findRun(transaction, row.id)) return "known";
    if ((await countRunning(transaction, row.workflow_id)) >= maxConcurrentRuns) return "full";
  }
  return (await insertRun(transaction, row, of)) ? "inserted" : "known";
}

/** False: it is stored already. */
async function insertRun(db: Db, row: RunRow, of: "workflow" | "job"): Promise<boolean> {
  const text = `
    with owner as (select from ${of}s where id = $2 for key share),
    stored as (
      ${insertRunsFrom("$1::json")} where exists (select from owner)
      on conflict (id) do nothing
      returning id)
    select exists (select from stored) as is_new from owner`;
  const { rows } = await db.query<{ is_new: boolean }>({
    name: `insert_run_of_${of}`,
    text,
    values: [recordOf([row]), row.workflow_id],
  });
  if (!rows[0]) throw new Problem("not_found", `${of} not found`);
  return rows[0].is_new;
}

/** Keeps a run from being deleted until the transaction ends. False: there is none. */
export async function holdRun(transaction: PoolClient, id: string): Promise<boolean> {
  const { rowCount } = await transaction.query("select from workflow_runs where id = $1 for key share", [id]);
  return rowCount === 1;
}

/** To be called before a run that has ended is asked to go on: from then on it is not deleted. False: it is deleted. */
export async function noteReopening(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query("update workflow_runs set reopened_at = now() where id = $1", [id]);
  return rowCount === 1;
}

export async function countRunning(db: Db, workflowId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    "select count(*) from workflow_runs where workflow_id = $1 and status = 'running'",
    [workflowId],
  );
  return rows[0]?.count ?? 0;
}

export async function findRun(db: Db, id: string): Promise<StoredRun | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<RunColumns>({
    name: "find_run",
    text: "select * from workflow_runs where id = $1",
    values: [id],
  });
  return rows[0] && runOf(rows[0]);
}

/** The sub-workflows of a run that are open, or were open after `since` (epoch milliseconds). */
export async function listChildren(db: Db, parentId: string, since: number): Promise<RunRow[]> {
  const { rows } = await db.query<RunColumns>(
    `select * from workflow_runs
     where parent_workflow_run_id = $1 and (finished_at is null or finished_at >= epoch_ms($2::float8))`,
    [parentId, since],
  );
  return rows.map(runOf);
}

type RunColumns = Omit<Columns<StoredRun>, "payload" | "labels" | "step_overrides" | "step_payloads"> & {
  payload: string | null;
  payload_ref: string | null;
  labels: string | null;
  step_overrides: string | null;
  step_payloads: string | null;
};

function runOf(row: RunColumns): StoredRun {
  const { payload, payload_ref, labels, step_overrides, step_payloads } = row;
  // The row is changed in place: copying it costs more than all the rest.
  const run = row as unknown as Columns<StoredRun> & { payload_ref: null };
  run.payload = documentOf(payload, payload_ref);
  run.payload_ref = null;
  run.labels = labels === null ? null : (JSON.parse(labels) as Record<string, string>);
  run.step_overrides = step_overrides === null ? null : (JSON.parse(step_overrides) as StepOverride[]);
  run.step_payloads = step_payloads === null ? null : (JSON.parse(step_payloads) as Record<string, JsonDoc>);
  return withoutNulls<StoredRun>(run);
}
