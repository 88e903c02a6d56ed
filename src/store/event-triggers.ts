import { DatabaseError } from "pg";
import { type Columns, present, recordOf } from "./columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./pool.ts";
import type { TriggerRow } from "../../workflows/engine/rows.ts";

/** Inserts every TriggerRow of the json expression that `where` lets through. What happens on conflict is the caller's to append. */
export const insertTriggersFrom = (json: string, where = "true") => `
  insert into event_triggers (
    id, project_id, event_key, run_id, step_run_id, step_ref, source, status, timeout_secs,
    requested_at, expires_at, received_at, response_payload, response_payload_ref, notify_url, notify_status,
    sent_by, error, revision)
  select
    id, project_id, event_key, run_id, step_run_id, step_ref, source, status, timeout_secs,
    epoch_ms(requested_at), epoch_ms(expires_at), epoch_ms(received_at),
    (response_payload->>'text')::json, (response_payload->>'ref')::uuid, notify_url, notify_status, sent_by, error, revision
  from json_to_recordset(${json}) as trigger(
    id text, project_id text, event_key text, run_id uuid, step_run_id uuid, step_ref text, source text, status text,
    timeout_secs float8, requested_at float8, expires_at float8, received_at float8, response_payload json,
    notify_url text, notify_status text, sent_by text, error text, revision bigint)
  where ${where}`;

/**
 * Makes the row the only one that waits for its key in its project: "taken" when another does. "held": the claim was
 * made by an earlier try, even if the wait is over since; nothing changed.
 */
export async function claimTrigger(db: Db, row: TriggerRow): Promise<"claimed" | "held" | "taken"> {
  try {
    const { rowCount } = await db.query(
      `${insertTriggersFrom("$1::json")}
       on conflict (id) do update set
         event_key = excluded.event_key, status = excluded.status, timeout_secs = excluded.timeout_secs,
         requested_at = excluded.requested_at, expires_at = excluded.expires_at, received_at = null,
         response_payload = null, response_payload_ref = null, notify_url = excluded.notify_url,
         notify_status = null, sent_by = null, error = null, revision = excluded.revision
       where event_triggers.revision < excluded.revision`,
      [recordOf([row])],
    );
    return rowCount === 1 ? "claimed" : "held";
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === "event_triggers_claim") return "taken";
    throw error;
  }
}

/** Who waits for this key now. */
export async function findWaitingTrigger(db: Db, projectId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const { rows } = await db.query<TriggerColumns>(
    `select * from event_triggers where project_id = $1 and event_key = $2 and status = 'waiting'
     order by requested_at desc limit 1`,
    [projectId, eventKey],
  );
  return rows[0] && triggerOf(rows[0]);
}

/** The key's newest use, whatever became of it; one that still waits comes before any other. */
export async function findLatestTrigger(db: Db, projectId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const { rows } = await db.query<TriggerColumns>(
    `select * from event_triggers where project_id = $1 and event_key = $2
     order by status = 'waiting' desc, requested_at desc limit 1`,
    [projectId, eventKey],
  );
  return rows[0] && triggerOf(rows[0]);
}

/** The key's newest use by this run. */
export async function findTriggerOf(db: Db, runId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const { rows } = await db.query<TriggerColumns>(
    "select * from event_triggers where run_id = $1 and event_key = $2 order by requested_at desc limit 1",
    [runId, eventKey],
  );
  return rows[0] && triggerOf(rows[0]);
}

/** What a run listens on. */
export async function listWaitingTriggers(db: Db, runId: string): Promise<TriggerRow[]> {
  const { rows } = await db.query<TriggerColumns>(
    "select * from event_triggers where run_id = $1 and status = 'waiting'",
    [runId],
  );
  return rows.map(triggerOf);
}

export type TriggerColumns = Omit<Columns<TriggerRow>, "response_payload"> & {
  response_payload: string | null;
  response_payload_ref: string | null;
};

export function triggerOf({ response_payload, response_payload_ref, ...row }: TriggerColumns): TriggerRow {
  return present<TriggerRow>({ ...row, response_payload: documentOf(response_payload, response_payload_ref) });
}
