import { DatabaseError } from "pg";
import { type Columns, withoutNulls, recordOf } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./postgres/pool.ts";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";

/** SQL that inserts the TriggerRows of a json expression that `where` lets through. The caller appends what to do on conflict. */
export const insertEventTriggersFrom = (json: string, where = "true") => `
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
 * Claims the row's key: one row of a project can wait for a key. "taken": another row waits for it. "held": an earlier try of this
 * row has claimed it, even if the wait is over by now; nothing changed.
 */
export async function claimEventTrigger(db: Db, row: TriggerRow): Promise<"claimed" | "held" | "taken"> {
  try {
    const { rowCount } = await db.query(
      `${insertEventTriggersFrom("$1::json")}
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

/** The row that waits for this key now. */
export async function findWaitingEventTrigger(
  db: Db,
  projectId: string,
  eventKey: string,
): Promise<TriggerRow | undefined> {
  const { rows } = await db.query<EventTriggerColumns>(
    `select * from event_triggers where project_id = $1 and event_key = $2 and status = 'waiting'
     order by requested_at desc limit 1`,
    [projectId, eventKey],
  );
  return rows[0] && eventTriggerOf(rows[0]);
}

/** The key's newest row in any state. A row that still waits comes before any other. */
export async function findLatestEventTrigger(
  db: Db,
  projectId: string,
  eventKey: string,
): Promise<TriggerRow | undefined> {
  const { rows } = await db.query<EventTriggerColumns>(
    `select * from event_triggers where project_id = $1 and event_key = $2
     order by status = 'waiting' desc, requested_at desc limit 1`,
    [projectId, eventKey],
  );
  return rows[0] && eventTriggerOf(rows[0]);
}

/** The newest row of this run for the key. */
export async function findEventTriggerOf(db: Db, runId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const { rows } = await db.query<EventTriggerColumns>(
    "select * from event_triggers where run_id = $1 and event_key = $2 order by requested_at desc limit 1",
    [runId, eventKey],
  );
  return rows[0] && eventTriggerOf(rows[0]);
}

/** The rows of a run that wait. */
export async function listWaitingEventTriggers(db: Db, runId: string): Promise<TriggerRow[]> {
  const { rows } = await db.query<EventTriggerColumns>(
    "select * from event_triggers where run_id = $1 and status = 'waiting'",
    [runId],
  );
  return rows.map(eventTriggerOf);
}

export type EventTriggerColumns = Omit<Columns<TriggerRow>, "response_payload"> & {
  response_payload: string | null;
  response_payload_ref: string | null;
};

export function eventTriggerOf({ response_payload, response_payload_ref, ...row }: EventTriggerColumns): TriggerRow {
  return withoutNulls<TriggerRow>({ ...row, response_payload: documentOf(response_payload, response_payload_ref) });
}
