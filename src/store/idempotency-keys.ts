import type { Db } from "./postgres/pool.ts";

export interface KeyClaim {
  projectId: string;
  operation: string;
  key: string;
  bodyHash: string;
  runId: string;
}

/** Binds the key to the run, unless it is bound already: then answers what it is bound to. */
export async function claimKey(db: Db, claim: KeyClaim): Promise<{ runId: string; bodyHash: string }> {
  const { projectId, operation, key, bodyHash, runId } = claim;
  // The update changes nothing. It makes a concurrent claim's row visible to `returning`, which `do nothing` would not.
  const { rows } = await db.query<{ runId: string; bodyHash: string }>(
    `insert into idempotency_keys (project_id, operation, key, body_hash, run_id)
     values ($1, $2, $3, $4, $5)
     on conflict (project_id, operation, key) do update set key = excluded.key
     returning run_id as "runId", body_hash as "bodyHash"`,
    [projectId, operation, key, bodyHash, runId],
  );
  return rows[0] as { runId: string; bodyHash: string };
}
