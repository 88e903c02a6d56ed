import type { PoolClient } from "pg";
import type {
  BulkFilter,
  BulkItem,
  BulkItemStatus,
  BulkOperationKind,
  BulkStatus,
} from "../contract/bulk-operations.ts";
import type { Cursor } from "../contract/cursor.ts";
import { type Columns, isUuid, present, recordOf } from "./postgres/columns.ts";
import { startOf } from "./postgres/list-request.ts";
import type { Db } from "./postgres/pool.ts";
import { filteredRuns } from "./run-lists/list-runs.ts";
import type { BulkOutcome, BulkState } from "../../workflows/bulk/messages.ts";

/** Times are epoch milliseconds. */
export interface StoredBulkOperation {
  id: string;
  project_id: string;
  operation: BulkOperationKind;
  status: BulkStatus;
  filter?: BulkFilter;
  reason?: string;
  max_per_second?: number;
  total: number;
  applied: number;
  skipped: number;
  failed: number;
  created_by: string;
  created_at: number;
  finished_at?: number;
}

export type NewBulkOperation = Pick<
  StoredBulkOperation,
  "id" | "project_id" | "operation" | "filter" | "reason" | "max_per_second" | "created_by" | "created_at"
>;

/**
 * Stores the operation with its selection: the ids, or what its filter lets through now, oldest first, at most `limit` runs.
 * Answers how many there are, or undefined where it is stored already and stays as it is.
 */
export async function insertBulkOperation(
  transaction: PoolClient,
  operation: NewBulkOperation,
  ids: string[] | undefined,
  limit: number,
): Promise<number | undefined> {
  const { id, created_at, ...columns } = operation;
  const { rowCount } = await transaction.query(
    `insert into bulk_operations (
       id, project_id, operation, status, filter, reason, max_per_second, total, created_by, created_at, revision)
     select $1, project_id, operation, 'running', filter, reason, max_per_second, 0, created_by, epoch_ms($2), 0
     from json_populate_record(null::bulk_operations, $3::json)
     on conflict (id) do nothing`,
    [id, created_at, recordOf(columns)],
  );
  if (rowCount === 0) return undefined;
  const total = ids ? await insertNamed(transaction, id, ids) : await insertFiltered(transaction, operation, limit);
  await transaction.query("update bulk_operations set total = $2 where id = $1", [id, total]);
  return total;
}

async function insertNamed(db: Db, operationId: string, ids: string[]): Promise<number> {
  const { rowCount } = await db.query(
    `insert into bulk_operation_items (operation_id, position, run_id)
     select $1, position, run_id from unnest($2::uuid[]) with ordinality as named(run_id, position)`,
    [operationId, ids],
  );
  return rowCount ?? 0;
}

async function insertFiltered(db: Db, operation: NewBulkOperation, limit: number): Promise<number> {
  const { id, project_id, filter = {} } = operation;
  const values: unknown[] = [id];
  const given = (value: unknown) => `$${values.push(value)}`;
  const runs = runsOf(project_id, filter, given);
  const { rowCount } = await db.query(
    `insert into bulk_operation_items (operation_id, position, run_id)
     select $1, row_number() over (order by ${runs.at}, ${runs.id}), run.id
     from ${runs.from} where ${runs.where.join(" and ")}
     limit ${given(limit)}`,
    values,
  );
  return rowCount ?? 0;
}

/** How many runs an operation with this filter would have, counted up to `most`, and the ids of the first. */
export async function matchingRuns(
  db: Db,
  projectId: string,
  filter: BulkFilter,
  { most, shown }: { most: number; shown: number },
): Promise<{ total: number; first: string[] }> {
  const values: unknown[] = [];
  const given = (value: unknown) => `$${values.push(value)}`;
  const runs = runsOf(projectId, filter, given);
  const matching = `select run.id from ${runs.from} where ${runs.where.join(" and ")}`;
  const { rows } = await db.query<{ total: number; first: string[] }>(
    `select
       (select count(*) from (${matching} limit ${given(most)}) matching) as total,
       array(${matching} order by ${runs.at}, ${runs.id} limit ${given(shown)})::text[] as first`,
    values,
  );
  return rows[0] as { total: number; first: string[] };
}

const runsOf = (projectId: string, filter: BulkFilter, given: (value: unknown) => string) => {
  const { workflow_id: workflowId, status, tag_key: tagKey, tag_value: tagValue } = filter;
  return filteredRuns({ projectId, workflowId, status, tagKey, tagValue }, given);
};

export async function findBulkOperation(db: Db, id: string): Promise<StoredBulkOperation | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<OperationColumns>("select * from bulk_operations where id = $1", [id]);
  return rows[0] && operationOf(rows[0]);
}

/** Newest first. */
export async function listBulkOperations(
  db: Db,
  { projectId, cursor, limit }: { projectId: string; cursor?: Cursor; limit: number },
): Promise<StoredBulkOperation[]> {
  const { rows } = await db.query<OperationColumns>(
    `select * from bulk_operations
     where project_id = $1 and ($2::float8 is null or (created_at, id) < (epoch_ms($2), $3::uuid))
     order by created_at desc, id desc limit $4`,
    [projectId, ...(cursor ? startOf(cursor) : [null, null]), limit],
  );
  return rows.map(operationOf);
}

/** The newest revision stays. Commands are kept with those of runs. */
export async function writeBulkState(
  db: Db,
  operationId: string,
  { status, finished_at, revision }: BulkState,
  commands: BulkOutcome[],
): Promise<void> {
  await db.query(
    `with state as (
       update bulk_operations set status = $2, finished_at = epoch_ms($3), revision = $4
       where id = $1 and revision < $4
     )
     insert into run_commands (run_id, id, outcome, at)
     select $1, outcome->>'id', outcome, epoch_ms((outcome->>'at')::float8) from json_array_elements($5::json) outcome
     where octet_length(outcome->>'id') <= 1024
     on conflict (run_id, id) do nothing`,
    [operationId, status, finished_at ?? null, revision, recordOf(commands)],
  );
}

export interface StoredBulkItem {
  position: number;
  run_id: string;
  status: BulkItemStatus;
  code?: string;
  error?: string;
  new_run_id?: string;
  settled_at?: number;
}

/** In their order, from the one after `after` on. */
export async function listBulkItems(
  db: Db,
  operationId: string,
  { status, after = 0, limit }: { status?: BulkItemStatus; after?: number; limit: number },
): Promise<StoredBulkItem[]> {
  const ofStatus = status === undefined ? "" : "and status = $4";
  const { rows } = await db.query<Columns<StoredBulkItem>>(
    `select position, run_id, status, code, error, new_run_id, settled_at from bulk_operation_items
     where operation_id = $1 and position > $2 ${ofStatus}
     order by position limit $3`,
    [operationId, after, limit, ...(status === undefined ? [] : [status])],
  );
  return rows.map((row) => present<StoredBulkItem>(row));
}

/** The uppermost of a run's ancestors that an operation is for, too. */
export async function findSelectedAncestor(db: Db, operationId: string, runId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `with recursive ancestor(id, height) as (
       select parent_workflow_run_id, 1 from workflow_runs where id = $2
       union all
       select run.parent_workflow_run_id, height + 1 from workflow_runs run join ancestor using (id)
     )
     select id from ancestor join bulk_operation_items item on item.run_id = id and item.operation_id = $1
     order by height desc limit 1`,
    [operationId, runId],
  );
  return rows[0]?.id;
}

export type BulkItemOutcome = { position: number } & Pick<BulkItem, "code" | "error" | "new_run_id"> & {
    status: Exclude<BulkItemStatus, "pending">;
  };

/** Of each item the first outcome stays; the operation counts those. */
export async function settleBulkItems(db: Db, operationId: string, outcomes: BulkItemOutcome[]): Promise<void> {
  await db.query(
    `with settled as (
       update bulk_operation_items item
       set status = outcome.status, code = outcome.code, error = outcome.error, new_run_id = outcome.new_run_id,
         settled_at = now()
       from json_to_recordset($2::json) as outcome(
         position integer, status text, code text, error text, new_run_id uuid)
       where item.operation_id = $1 and item.position = outcome.position and item.status = 'pending'
       returning item.status
     )
     update bulk_operations set
       applied = applied + (select count(*) from settled where status = 'applied'),
       skipped = skipped + (select count(*) from settled where status = 'skipped'),
       failed = failed + (select count(*) from settled where status = 'failed')
     where id = $1`,
    [operationId, recordOf(outcomes)],
  );
}

type OperationColumns = Omit<Columns<StoredBulkOperation>, "filter"> & { filter: string | null; revision: number };

function operationOf({ filter, revision, ...row }: OperationColumns): StoredBulkOperation {
  return present<StoredBulkOperation>({ ...row, filter: filter === null ? null : (JSON.parse(filter) as BulkFilter) });
}
