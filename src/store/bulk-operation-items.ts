import type { BulkFilter, BulkItem, BulkItemStatus } from "../contract/bulk/operations.ts";
import { filterSaid } from "../contract/lists/run-filters.ts";
import { type Columns, withoutNulls, recordOf } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import { filteredRuns } from "./run-lists/run-sources.ts";
import { parameters } from "./postgres/list-request.ts";

export interface StoredBulkItem {
  position: number;
  run_id: string;
  status: BulkItemStatus;
  code?: string;
  error?: string;
  new_run_id?: string;
  settled_at?: number;
}

/** In their order, those after the position `after`. */
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
  return rows.map((row) => withoutNulls<StoredBulkItem>(row));
}

/** The uppermost of a run's ancestors that is in the same operation. */
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

/** The first outcome of an item stays. The operation's counts follow. */
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

/** The part of an operation that says which runs it is for. */
interface Selection {
  id: string;
  project_id: string;
  filter?: BulkFilter;
}

/** Inserts the runs of an operation in the order in which they are named. */
export async function insertNamedRuns(db: Db, operationId: string, ids: string[]): Promise<number> {
  const { rowCount } = await db.query(
    `insert into bulk_operation_items (operation_id, position, run_id)
     select $1, position, run_id from unnest($2::uuid[]) with ordinality as named(run_id, position)`,
    [operationId, ids],
  );
  return rowCount ?? 0;
}

/** Inserts the runs that the filter lets through now, oldest first. */
export async function insertFilteredRuns(db: Db, operation: Selection, limit: number): Promise<number> {
  const { id, project_id, filter } = operation;
  const { values, given } = parameters();
  const operation_id = given(id);
  const runs = filteredRuns({ project_id, ...(filter && filterSaid(filter)) }, given);
  const { rowCount } = await db.query(
    `insert into bulk_operation_items (operation_id, position, run_id)
     select ${operation_id}, row_number() over (order by ${runs.at}, ${runs.id}), run.id
     from ${runs.from} where ${runs.where.join(" and ")}
     limit ${given(limit)}`,
    values,
  );
  return rowCount ?? 0;
}

/** How many runs the filter lets through, counted up to `most`, and the ids of the first. */
export async function matchingRuns(
  db: Db,
  project_id: string,
  filter: BulkFilter,
  { most, shown }: { most: number; shown: number },
): Promise<{ total: number; first: string[] }> {
  const { values, given } = parameters();
  const runs = filteredRuns({ project_id, ...filterSaid(filter) }, given);
  const matching = `select run.id from ${runs.from} where ${runs.where.join(" and ")}`;
  const { rows } = await db.query<{ total: number; first: string[] }>(
    `select
       (select count(*) from (${matching} limit ${given(most)}) matching) as total,
       array(${matching} order by ${runs.at}, ${runs.id} limit ${given(shown)})::text[] as first`,
    values,
  );
  return rows[0] as { total: number; first: string[] };
}
