import { type Columns, withoutNulls } from "../postgres/columns.ts";
import type { Db } from "../postgres/pool.ts";

/** Times are epoch milliseconds. */
export interface StoredLink {
  /** The token itself is stored nowhere. */
  token_hash: string;
  project_id: string;
  run_id: string;
  step_run_id: string;
  step_ref: string;
  /** Which asking of the gate it is about. */
  requested_at: number;
  attempt?: number;
  person: string;
  made_by: string;
  expires_at: number;
  used_at?: number;
}

export async function insertLink(db: Db, link: Omit<StoredLink, "used_at">): Promise<void> {
  const { token_hash, project_id, run_id, step_run_id, step_ref, requested_at, attempt, person, made_by, expires_at } =
    link;
  await db.query(
    `insert into approval_links (
       token_hash, project_id, run_id, step_run_id, step_ref, requested_at, attempt, person, made_by, expires_at)
     values ($1, $2, $3, $4, $5, epoch_ms($6), $7, $8, $9, epoch_ms($10))`,
    [token_hash, project_id, run_id, step_run_id, step_ref, requested_at, attempt, person, made_by, expires_at],
  );
}

export async function findLink(db: Db, tokenHash: string): Promise<StoredLink | undefined> {
  const { rows } = await db.query<Columns<StoredLink>>(
    `select token_hash, project_id, run_id, step_run_id, step_ref, requested_at, attempt, person, made_by, expires_at, used_at
     from approval_links where token_hash = $1`,
    [tokenHash],
  );
  return rows[0] && withoutNulls<StoredLink>(rows[0]);
}

/** And the others that this person was given for the same asking: a message may have been sent twice. */
export async function noteUsed(db: Db, { step_run_id, person, requested_at }: StoredLink): Promise<void> {
  await db.query(
    `update approval_links set used_at = now()
     where step_run_id = $1 and person = $2 and requested_at = epoch_ms($3) and used_at is null`,
    [step_run_id, person, requested_at],
  );
}
