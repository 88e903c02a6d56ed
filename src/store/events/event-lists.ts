import type { Cursor } from "../../contract/cursor.ts";
import { isUuid } from "../postgres/columns.ts";
import { type EventTriggerColumns, eventTriggerOf } from "../event-triggers.ts";
import { COLUMNS, type HeldColumns, type HeldEvent, heldEventOf } from "./held-events.ts";
import { literally } from "../postgres/literally.ts";
import { after, parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";

export interface EventsPage {
  projectId: string;
  status?: string;
  runId?: string;
  cursor?: Cursor;
  limit: number;
}

/** Newest first, by (requested_at, step_run_id): of a step there is one. */
export async function listTriggers(db: Db, { projectId, status, runId, cursor, limit }: EventsPage) {
  if (runId !== undefined && !isUuid(runId)) return [];
  const { given, values, where } = filtered("requested_at", "step_run_id", projectId, cursor);
  if (status !== undefined) where.push(`status = ${given(status)}`);
  if (runId !== undefined) where.push(`run_id = ${given(runId)}`);
  const { rows } = await db.query<EventTriggerColumns>(
    `select * from event_triggers where ${where.join(" and ")}
     order by requested_at desc, step_run_id desc limit ${given(limit)}`,
    values,
  );
  return rows.map(eventTriggerOf);
}

const HELD: Record<string, string> = {
  held: "status = 'held' and expires_at > now()",
  timed_out: "status = 'held' and expires_at <= now()",
  canceled: "status = 'canceled'",
};
const UNTAKEN = "status in ('held', 'canceled')";

/** Events that no run has taken, newest first, by (sent_at, id). */
export async function listHeldEvents(db: Db, { projectId, status, runId, cursor, limit }: EventsPage) {
  if (runId !== undefined || (status !== undefined && HELD[status] === undefined)) return [];
  const { given, values, where } = filtered("sent_at", "id", projectId, cursor);
  where.push(UNTAKEN);
  if (status !== undefined) where.push(HELD[status] as string);
  const { rows } = await db.query<HeldColumns>(
    `select ${COLUMNS} from held_events where ${where.join(" and ")}
     order by sent_at desc, id desc limit ${given(limit)}`,
    values,
  );
  return rows.map(heldEventOf);
}

function filtered(at: string, id: string, projectId: string, cursor: Cursor | undefined) {
  const { values, given } = parameters();
  const where = [`project_id = ${given(projectId)}`, ...after(cursor, at, id, given)];
  return { given, values, where };
}

/** Of events, only those of steps that wait for one: an approval is decided under its own key, one by one. */
export async function listWaitingUnder(
  db: Db,
  projectId: string,
  prefix: string,
  sources: TriggerRow["source"][],
  limit: number,
): Promise<TriggerRow[]> {
  const { rows } = await db.query<EventTriggerColumns>(
    `select * from event_triggers
     where project_id = $1 and status = 'waiting' and event_key like $2 and source = any($3)
     order by event_key limit $4`,
    [projectId, `${literally(prefix)}%`, sources, limit],
  );
  return rows.map(eventTriggerOf);
}

export interface EventCounts {
  waiting: number;
  held: number;
  received: number;
  timed_out: number;
  canceled: number;
  avg_wait_secs: number;
}

export async function countEvents(db: Db, projectId: string): Promise<EventCounts> {
  const { rows } = await db.query<EventCounts>(
    `select
       waits.waiting, held.held, waits.received, waits.timed_out + held.timed_out as timed_out,
       waits.canceled + held.canceled as canceled, waits.avg_wait_secs
     from (
       select
         count(*) filter (where status = 'waiting') as waiting,
         count(*) filter (where status = 'received') as received,
         count(*) filter (where status = 'timed_out') as timed_out,
         count(*) filter (where status = 'canceled') as canceled,
         coalesce(avg(extract(epoch from received_at - requested_at)) filter (where status = 'received'), 0)::float8
           as avg_wait_secs
       from event_triggers where project_id = $1
     ) waits, (
       select
         count(*) filter (where ${HELD.held}) as held,
         count(*) filter (where ${HELD.timed_out}) as timed_out,
         count(*) filter (where ${HELD.canceled}) as canceled
       from held_events where project_id = $1 and ${UNTAKEN}
     ) held`,
    [projectId],
  );
  return rows[0] as EventCounts;
}

// What a run has taken is part of its wait, and only goes with the rest.
const OLD_WAITS = "project_id = $1 and requested_at < now() - $2 * interval '1 day' and status <> 'waiting'";
const OLD_EVENTS = `project_id = $1 and sent_at < now() - $2 * interval '1 day'
  and (status in ('delivered', 'canceled') or status = 'held' and expires_at <= now())`;

export async function countOldEvents(db: Db, projectId: string, days: number): Promise<number> {
  const { rows } = await db.query<{ old: number }>(
    `select (select count(*) from event_triggers where ${OLD_WAITS})
       + (select count(*) from held_events where ${OLD_EVENTS} and status <> 'delivered') as old`,
    [projectId, days],
  );
  return (rows[0] as { old: number }).old;
}

/** Deletes some that are over, with the documents that are nobody else's. Answers how many of them were shown, 0 when none is left. */
export async function deleteOldEvents(db: Db, projectId: string, days: number, most: number) {
  const waits = await db.query(
    `delete from event_triggers where id in (select id from event_triggers where ${OLD_WAITS} limit $3)`,
    [projectId, days, most],
  );
  const events = await db.query<Pick<HeldEvent, "status">>(
    `with deleted as (
       delete from held_events where id in (select id from held_events where ${OLD_EVENTS} limit $3)
       returning status, payload_ref
     ), unused as (
       delete from documents using deleted where documents.id = deleted.payload_ref and documents.run_id is null
     )
     select status from deleted`,
    [projectId, days, most],
  );
  const shown = (waits.rowCount ?? 0) + events.rows.filter(({ status }) => status !== "delivered").length;
  return { shown, more: (waits.rowCount ?? 0) === most || events.rows.length === most };
}
