import type { PoolClient } from "pg";
import type { BulkFilter, BulkOperationKind, BulkStatus } from "../contract/bulk/operations.ts";
import type { VersionPolicy } from "../contract/workflows.ts";
import { acceptedAmong } from "./accepted-commands.ts";
import { insertFilteredRuns, insertNamedRuns } from "./bulk-operation-items.ts";
import { type Columns, isUuid, withoutNulls, recordOf } from "./postgres/columns.ts";
import { after, type ListRequest, parameters } from "./postgres/list-request.ts";
import type { Db } from "./postgres/pool.ts";
import type { BulkOutcome, BulkState } from "../../workflows/bulk/messages.ts";

/** Times are epoch milliseconds. */
export interface StoredBulkOperation {
  id: string;
  project_id: string;
  operation: BulkOperationKind;
  status: BulkStatus;
  step_ref?: string;
  /** Those of its creator, who may decide for them, and whether the creator may pass approvals of others. */
  groups?: string[];
  may_override: boolean;
  filter?: BulkFilter;
  reason?: string;
  max_per_second?: number;
  version?: VersionPolicy;
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
  | "id"
  | "project_id"
  | "operation"
  | "step_ref"
  | "groups"
  | "may_override"
  | "filter"
  | "reason"
  | "max_per_second"
  | "version"
  | "created_by"
  | "created_at"
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
       id, project_id, operation, step_ref, groups, may_override, status, filter, reason, max_per_second, version, total, created_by,
       created_at, revision)
     select $1, project_id, operation, step_ref, groups, may_override, 'running', filter, reason, max_per_second, version, 0, created_by,
       epoch_ms($2), 0
     from json_populate_record(null::bulk_operations, $3::json)
     on conflict (id) do nothing`,
    [id, created_at, recordOf(columns)],
  );
  if (rowCount === 0) return undefined;
  const total = ids
    ? await insertNamedRuns(transaction, id, ids)
    : await insertFilteredRuns(transaction, operation, limit);
  await transaction.query("update bulk_operations set total = $2 where id = $1", [id, total]);
  return total;
}

export async function findBulkOperation(db: Db, id: string): Promise<StoredBulkOperation | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<OperationColumns>("select * from bulk_operations where id = $1", [id]);
  return rows[0] && operationOf(rows[0]);
}

/** The id of an operation's command to each of its runs. */
export const bulkCommandId = (operationId: string): string => `${BULK_COMMAND}${operationId}`;
const BULK_COMMAND = "bulk-operation/";

/** The operation that a command was given by. Callers may give commands any id. */
export const findOperationOf = async (db: Db, commandId: string): Promise<StoredBulkOperation | undefined> =>
  commandId.startsWith(BULK_COMMAND) ? findBulkOperation(db, commandId.slice(BULK_COMMAND.length)) : undefined;

/** Newest first. */
export async function listBulkOperations(
  db: Db,
  { project_id, cursor, limit }: Pick<ListRequest, "project_id" | "cursor" | "limit">,
): Promise<StoredBulkOperation[]> {
  const { values, given } = parameters();
  const where = [`project_id = ${given(project_id)}`, ...after(cursor, "created_at", "id", given)];
  const { rows } = await db.query<OperationColumns>(
    `select * from bulk_operations where ${where.join(" and ")} order by created_at desc, id desc limit ${given(limit)}`,
    values,
  );
  return rows.map(operationOf);
}

/** The newest revision stays. The commands are stored with those of runs. Answers those accepted ones that nobody has stored before. */
export async function writeBulkState(
  db: Db,
  operationId: string,
  { status, finished_at, revision }: BulkState,
  commands: BulkOutcome[],
): Promise<BulkOutcome[]> {
  const { rows } = await db.query<{ outcome: string }>(
    `with state as (
       update bulk_operations set status = $2, finished_at = epoch_ms($3), revision = $4
       where id = $1 and revision < $4
     ), stored as (
       insert into run_commands (run_id, id, outcome, at)
       select $1, outcome->>'id', outcome, epoch_ms((outcome->>'at')::float8) from json_array_elements($5::json) outcome
       where octet_length(outcome->>'id') <= 1024
       on conflict (run_id, id) do nothing
       returning run_id, id, outcome
     )
     ${acceptedAmong("stored")}`,
    [operationId, status, finished_at ?? null, revision, recordOf(commands)],
  );
  return rows.map(({ outcome }) => JSON.parse(outcome) as BulkOutcome);
}

type OperationColumns = Omit<Columns<StoredBulkOperation>, "filter"> & { filter: string | null; revision: number };

function operationOf({ filter, revision, ...row }: OperationColumns): StoredBulkOperation {
  return withoutNulls<StoredBulkOperation>({
    ...row,
    filter: filter === null ? null : (JSON.parse(filter) as BulkFilter),
  });
}
