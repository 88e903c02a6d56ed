import type { Pool } from "pg";
import type { RunRow } from "../../workflows/engine/rows.ts";
import type { StepOverride } from "../contract/workflows.ts";
import { type Columns, isId, present, recordOf } from "./columns.ts";
import { documentOf } from "./documents.ts";
import { type PageOf, pageParameters } from "./page.ts";
import { type Db, inTransaction } from "./pool.ts";
import { lockWorkflow } from "./workflows.ts";

/** Inserts the RunRow that the json expression holds. What happens on conflict is the caller's to append. */
export const insertRunFrom = (json: string) => `
  insert into workflow_runs (
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    payload, payload_ref, tags, labels, step_overrides, max_parallel_steps, timeout_secs, error,
    created_at, started_at, finished_at, expires_at,
    retry_of_run_id, parent_workflow_run_id, parent_step_run_id, depth, revision)
  select
    id, workflow_id, workflow_name, project_id, workflow_version, workflow_version_id, status, triggered_by, created_by,
    (payload->>'text')::json, (payload->>'ref')::uuid, coalesce(tags, '{}'), labels, step_overrides, max_parallel_steps, timeout_secs, error,
    epoch_ms(created_at), epoch_ms(started_at), epoch_ms(finished_at), epoch_ms(expires_at),
    retry_of_run_id, parent_workflow_run_id, parent_step_run_id, depth, revision
  from json_to_record(${json}) as run(
    id uuid, workflow_id uuid, workflow_name text, project_id text, workflow_version integer, workflow_version_id text,
    status text, triggered_by text, created_by text, payload json, tags jsonb, labels json, step_overrides json,
    max_parallel_steps integer, timeout_secs integer, error text,
    created_at float8, started_at float8, finished_at float8, expires_at float8,
    retry_of_run_id uuid, parent_workflow_run_id uuid, parent_step_run_id uuid, depth integer, revision bigint)`;

/**
 * Inserts a run that begins, if its workflow may have one more (0: any number); counted and taken in one step. `begin`
 * starts it in Temporal, before the row is there to be seen: if that fails, or the process dies, no row of a run that
 * does not exist is left. True also when the run is stored already, so that a repeated try takes its place once.
 */
export async function insertRunWithinLimit(
  pool: Pool,
  row: RunRow,
  maxConcurrentRuns: number,
  begin: () => Promise<void> = async () => {},
): Promise<boolean> {
  if (maxConcurrentRuns === 0) {
    await begin();
    await insertRun(pool, row);
    return true;
  }
  return inTransaction(pool, async (client) => {
    await lockWorkflow(client, row.workflow_id);
    if (await findRun(client, row.id)) return true;
    if ((await countRunning(client, row.workflow_id)) >= maxConcurrentRuns) return false;
    await begin();
    await insertRun(client, row);
    return true;
  });
}

async function insertRun(db: Db, row: RunRow): Promise<void> {
  await db.query(`${insertRunFrom("$1::json")} on conflict (id) do nothing`, [recordOf(row)]);
}

async function countRunning(db: Db, workflowId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    "select count(*) from workflow_runs where workflow_id = $1 and status = 'running'",
    [workflowId],
  );
  return rows[0]?.count ?? 0;
}

export async function findRun(db: Db, id: string): Promise<RunRow | undefined> {
  if (!isId(id)) return undefined;
  const { rows } = await db.query<RunColumns>("select * from workflow_runs where id = $1", [id]);
  return rows[0] && runOf(rows[0]);
}

/** Newest first. */
export async function listRuns(db: Db, page: PageOf & { workflowId?: string; status?: string }): Promise<RunRow[]> {
  const { workflowId = null, status = null } = page;
  const { rows } = await db.query<RunColumns>(
    `select * from workflow_runs
     where project_id = $1
       and ($2::text is null or tags ? $2)
       and ($3::jsonb is null or tags @> $3)
       and ($4::float8 is null or (created_at, id) < (epoch_ms($4), $5::uuid))
       and ($7::uuid is null or workflow_id = $7)
       and ($8::text is null or status = $8)
     order by created_at desc, id desc
     limit $6`,
    [...pageParameters(page), workflowId, status],
  );
  return rows.map(runOf);
}

type RunColumns = Omit<Columns<RunRow>, "payload" | "labels" | "step_overrides"> & {
  payload: string | null;
  payload_ref: string | null;
  labels: string | null;
  step_overrides: string | null;
};

function runOf({ payload, payload_ref, labels, step_overrides, ...row }: RunColumns): RunRow {
  return present<RunRow>({
    ...row,
    payload: documentOf(payload, payload_ref),
    labels: labels === null ? null : (JSON.parse(labels) as Record<string, string>),
    step_overrides: step_overrides === null ? null : (JSON.parse(step_overrides) as StepOverride[]),
  });
}
