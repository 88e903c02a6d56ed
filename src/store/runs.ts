import type { Pool } from "pg";
import type { JsonDoc } from "../contract/json.ts";
import type { StepOverride } from "../contract/workflows.ts";
import { Problem } from "../errors.ts";
import { type Columns, isId, present, recordOf } from "./columns.ts";
import { documentOf } from "./documents.ts";
import { type Db, inTransaction } from "./pool.ts";
import { lockWorkflow } from "./workflows.ts";
import type { RunRow } from "../../workflows/engine/rows.ts";

/** Inserts the RunRows of the array that the json expression holds. What happens on conflict is the caller's to append. */
export const insertRunsFrom = (json: string) => `
  insert into workflow_runs (
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    payload, payload_ref, tags, labels, step_overrides, step_payloads, max_parallel_steps, timeout_secs, error,
    created_at, started_at, finished_at, expires_at,
    retry_of_run_id, parent_workflow_run_id, parent_step_run_id, depth, revision)
  select
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    (payload->>'text')::json, (payload->>'ref')::uuid, coalesce(tags, '{}'), labels, step_overrides, step_payloads, max_parallel_steps, timeout_secs, error,
    epoch_ms(created_at), epoch_ms(started_at), epoch_ms(finished_at), epoch_ms(expires_at),
    retry_of_run_id, parent_workflow_run_id, parent_step_run_id, depth, revision
  from json_to_recordset(${json}) as run(
    id uuid, workflow_id uuid, workflow_name text, project_id text, workflow_version integer, workflow_version_id text,
    status text, triggered_by text, created_by text, payload json, tags jsonb, labels json, step_overrides json,
    step_payloads json, max_parallel_steps integer, timeout_secs integer, error text,
    created_at float8, started_at float8, finished_at float8, expires_at float8,
    retry_of_run_id uuid, parent_workflow_run_id uuid, parent_step_run_id uuid, depth integer, revision bigint)`;

/**
 * Inserts a run that begins, if its workflow may have one more (0: any number); counted and taken in one step. No workflow is
 * deleted meanwhile; one that is gone is told as not found. `begin`
 * starts it in Temporal once the row is written and before it is there to be seen: what can't be stored does not start, and
 * if the start fails, or the process dies, no row of a run that does not exist is left. True also when the run is stored
 * already, so that a repeated try takes its place once.
 */
export function insertRunWithinLimit(
  pool: Pool,
  row: RunRow,
  maxConcurrentRuns: number,
  begin: () => Promise<void> = async () => {},
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    if (maxConcurrentRuns > 0) {
      await lockWorkflow(client, row.workflow_id);
      if (await findRun(client, row.id)) return true;
      if ((await countRunning(client, row.workflow_id)) >= maxConcurrentRuns) return false;
    }
    await insertRun(client, row);
    await begin();
    return true;
  });
}

async function insertRun(db: Db, row: RunRow): Promise<void> {
  const text = `
    with workflow as (select from workflows where id = $2 for key share),
    stored as (
      ${insertRunsFrom("$1::json")} where exists (select from workflow)
      on conflict (id) do nothing)
    select from workflow`;
  const { rowCount } = await db.query({ name: "insert_run", text, values: [recordOf([row]), row.workflow_id] });
  if (rowCount === 0) throw new Problem("not_found", "workflow not found");
}

export async function countRunning(db: Db, workflowId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    "select count(*) from workflow_runs where workflow_id = $1 and status = 'running'",
    [workflowId],
  );
  return rows[0]?.count ?? 0;
}

export async function findRun(db: Db, id: string): Promise<RunRow | undefined> {
  if (!isId(id)) return undefined;
  const { rows } = await db.query<RunColumns>({
    name: "find_run",
    text: "select * from workflow_runs where id = $1",
    values: [id],
  });
  return rows[0] && runOf(rows[0]);
}

/** The sub-workflows of a run that are open, or were after `since` (epoch milliseconds). */
export async function listChildren(db: Db, parentId: string, since: number): Promise<RunRow[]> {
  const { rows } = await db.query<RunColumns>(
    `select * from workflow_runs
     where parent_workflow_run_id = $1 and (finished_at is null or finished_at >= epoch_ms($2::float8))`,
    [parentId, since],
  );
  return rows.map(runOf);
}

type RunColumns = Omit<Columns<RunRow>, "payload" | "labels" | "step_overrides" | "step_payloads"> & {
  payload: string | null;
  payload_ref: string | null;
  labels: string | null;
  step_overrides: string | null;
  step_payloads: string | null;
};

function runOf(row: RunColumns): RunRow {
  const { payload, payload_ref, labels, step_overrides, step_payloads } = row;
  // The row is nobody else's; copying it costs more than all else here.
  const run = row as unknown as Columns<RunRow> & { payload_ref: null };
  run.payload = documentOf(payload, payload_ref);
  run.payload_ref = null;
  run.labels = labels === null ? null : (JSON.parse(labels) as Record<string, string>);
  run.step_overrides = step_overrides === null ? null : (JSON.parse(step_overrides) as StepOverride[]);
  run.step_payloads = step_payloads === null ? null : (JSON.parse(step_payloads) as Record<string, JsonDoc>);
  return present<RunRow>(run);
}
