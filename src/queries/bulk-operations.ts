import type { BulkItem, BulkItemStatus, BulkOperation } from "../contract/bulk-operations.ts";
import type { Cursor } from "../contract/cursor.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import {
  findBulkOperation,
  listBulkItems as listItemRows,
  listBulkOperations as listRows,
  type StoredBulkOperation,
} from "../store/bulk-operations.ts";
import { presentBulkOperation, presentItem } from "../views/bulk-operation.ts";

const NOT_FOUND = "bulk operation not found";

/** Another project's operation is not found. */
export async function findOwnBulkOperation({ db }: Deps, caller: Caller, id: string): Promise<StoredBulkOperation> {
  const row = await findBulkOperation(db, id);
  if (!row) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, row.project_id, NOT_FOUND);
  return row;
}

export async function getBulkOperation(deps: Deps, caller: Caller, id: string): Promise<BulkOperation> {
  return presentBulkOperation(await findOwnBulkOperation(deps, caller, id));
}

export async function listBulkOperations(
  { db }: Deps,
  projectId: string,
  { cursor, limit }: { cursor?: Cursor; limit: number },
): Promise<{ items: BulkOperation[]; next?: Cursor }> {
  const rows = await listRows(db, { projectId, cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(presentBulkOperation),
    next: rows.length > limit && last ? { at: last.created_at, id: last.id } : undefined,
  };
}

/** A page of the operation's runs in their order. `next`: how many come before the next page. */
export async function listBulkItems(
  deps: Deps,
  caller: Caller,
  id: string,
  { status, cursor, limit }: { status?: BulkItemStatus; cursor: number; limit: number },
): Promise<{ items: BulkItem[]; next?: number }> {
  await findOwnBulkOperation(deps, caller, id);
  const rows = await listItemRows(deps.db, id, { status, after: cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  return { items: page.map(presentItem), next: rows.length > limit ? page.at(-1)?.position : undefined };
}
