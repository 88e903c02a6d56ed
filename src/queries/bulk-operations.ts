import type { BulkItem, BulkItemStatus, BulkOperation } from "../contract/bulk/operations.ts";
import type { Cursor } from "../contract/cursor.ts";
import type { Deps } from "../deps.ts";
import { type Caller, own } from "../identity/caller.ts";
import { cursorOf, type Page, pageOf } from "./page.ts";
import { listBulkItems as listItemRows } from "../store/bulk-operation-items.ts";
import {
  findBulkOperation,
  listBulkOperations as listRows,
  type StoredBulkOperation,
} from "../store/bulk-operations.ts";
import { presentBulkOperation, presentItem } from "../views/bulk-operation.ts";

const NOT_FOUND = "bulk operation not found";

/** Another project's operation is not found. */
export const findOwnBulkOperation = async ({ db }: Deps, caller: Caller, id: string): Promise<StoredBulkOperation> =>
  own(caller, await findBulkOperation(db, id), NOT_FOUND);

export async function getBulkOperation(deps: Deps, caller: Caller, id: string): Promise<BulkOperation> {
  return presentBulkOperation(await findOwnBulkOperation(deps, caller, id));
}

export const listBulkOperations = (
  { db }: Deps,
  project_id: string,
  { cursor, limit }: { cursor?: Cursor; limit: number },
): Promise<Page<BulkOperation>> =>
  pageOf(limit, (most) => listRows(db, { project_id, cursor, limit: most }), presentBulkOperation, cursorOf);

/** A page of the operation's runs in their order. A place is the number of runs before it. */
export async function listBulkItems(
  deps: Deps,
  caller: Caller,
  id: string,
  { status, cursor, limit }: { status?: BulkItemStatus; cursor: number; limit: number },
): Promise<Page<BulkItem, number>> {
  await findOwnBulkOperation(deps, caller, id);
  const read = (most: number) => listItemRows(deps.db, id, { status, after: cursor, limit: most });
  return pageOf(limit, read, presentItem, ({ position }) => position);
}
