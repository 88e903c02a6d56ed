import type { Db } from "./postgres/pool.ts";

export interface KeyOf {
  projectId: string;
  operation: string;
  key: string;
}

export interface KeyClaim extends KeyOf {
  bodyHash: string;
  runId: string;
}

/** `isDeleted`: what it stands for was there, and is deleted. */
export interface BoundKey {
  runId: string;
  bodyHash: string;
  isDeleted: boolean;
}

const BOUND = `run_id as "runId", body_hash as "bodyHash", deleted_at is not null as "isDeleted"`;

export async function findKey(db: Db, { projectId, operation, key }: KeyOf): Promise<BoundKey | undefined> {
  const { rows } = await db.query<BoundKey>(
    `select ${BOUND} from idempotency_keys where project_id = $1 and operation = $2 and key = $3`,
    [projectId, operation, key],
  );
  return rows[0];
}

/** Binds the key to the run, unless it is bound already: then answers what it is bound to. */
export async function claimKey(db: Db, claim: KeyClaim): Promise<BoundKey> {
  const { projectId, operation, key, bodyHash, runId } = claim;
  // The update changes nothing. It makes a concurrent claim's row visible to `returning`, which `do nothing` would not.
  const { rows } = await db.query<BoundKey>(
    `insert into idempotency_keys (project_id, operation, key, body_hash, run_id)
     values ($1, $2, $3, $4, $5)
     on conflict (project_id, operation, key) do update set key = excluded.key
     returning ${BOUND}`,
    [projectId, operation, key, bodyHash, runId],
  );
  return rows[0] as BoundKey;
}

/** To be told with the deletion itself: what was made under a key is not made again. */
export async function noteDeleted(db: Db, id: string): Promise<void> {
  await db.query("update idempotency_keys set deleted_at = now() where run_id = $1 and deleted_at is null", [id]);
}

/**
 * Keys that were bound before a time (epoch milliseconds). They are found by the id that each is bound to, a UUIDv7, of which
 * `beforeId` is the first of that time: none is bound to a later one.
 */
const OLD = "from idempotency_keys where run_id < $1 and created_at < epoch_ms($2)";

/** Deletes at most `limit` of them. Returns how many it deleted. */
export async function deleteOldKeys(db: Db, beforeId: string, before: number, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys where (project_id, operation, key) in (
       select project_id, operation, key ${OLD} limit $3 for update skip locked)`,
    [beforeId, before, limit],
  );
  return rowCount ?? 0;
}

export async function countOldKeys(db: Db, beforeId: string, before: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(`select count(*) as count ${OLD}`, [beforeId, before]);
  return rows[0]?.count ?? 0;
}
