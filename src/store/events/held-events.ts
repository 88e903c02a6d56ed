import type { Pool } from "pg";
import { type Columns, withoutNulls } from "../postgres/columns.ts";
import { documentOf, saveDocument } from "../documents.ts";
import { claimEventTrigger, findWaitingEventTrigger } from "../event-triggers.ts";
import type { Db } from "../postgres/pool.ts";
import { inTransaction } from "../postgres/transaction.ts";
import type { JsonDoc } from "../../contract/json.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";

/** An event that was sent before anyone waited for it. Times are epoch milliseconds. */
export interface HeldEvent {
  id: string;
  project_id: string;
  event_key: string;
  /** `offered`: its run has not said yet whether it takes it. `timed_out`: nobody waited for it in time. */
  status: "held" | "offered" | "delivered" | "canceled" | "timed_out";
  payload?: JsonDoc;
  hold_secs: number;
  sent_by: string;
  sent_at: number;
  expires_at: number;
  /** To whom it was offered last, and by which command. */
  command_id?: string;
  trigger_id?: string;
  trigger_revision?: number;
  run_id?: string;
  step_ref?: string;
}

/** `text`: of its payload, as JSON. */
export type NewHeldEvent = Pick<HeldEvent, "id" | "project_id" | "event_key" | "hold_secs" | "sent_by"> & {
  text?: string;
};

/**
 * Holds the event, or offers it to the wait that is open. The one that is under way for the key already, or the same one
 * that was sent before, is answered instead.
 */
export function holdEvent(pool: Pool, event: NewHeldEvent): Promise<HeldEvent> {
  const { id, project_id, event_key, hold_secs, sent_by } = event;
  return inTransaction(pool, async (client) => {
    await lockKey(client, project_id, event_key);
    const known = (await findHeldEvent(client, id)) ?? (await findUnderWay(client, project_id, event_key));
    if (known) return known;
    const payload = event.text === undefined ? undefined : await saveDocument(client, project_id, null, event.text);
    const { text, ref } = { text: undefined, ref: undefined, ...payload };
    await client.query(
      `insert into held_events (
         id, project_id, event_key, status, payload, payload_ref, hold_secs, sent_by, sent_at, expires_at)
       values ($1, $2, $3, 'held', $4, $5, $6::integer, $7, now(), now() + make_interval(secs => $6::integer))`,
      [id, project_id, event_key, text, ref, hold_secs, sent_by],
    );
    const waiting = await findWaitingEventTrigger(client, project_id, event_key);
    return waiting ? offer(client, id, waiting) : ((await findHeldEvent(client, id)) as HeldEvent);
  });
}

/**
 * Registers a wait as the only one for its key in its project, and offers it the event that is held for the key. "taken":
 * another waits for the key. `unsettled`: an event was offered to another one, which has not said whether it takes it; nothing
 * is registered before that is known. An earlier try of the same has the same outcome.
 */
export function registerWait(
  pool: Pool,
  wait: TriggerRow,
): Promise<"taken" | { unsettled: HeldEvent } | { event?: HeldEvent }> {
  const { id, revision, project_id, event_key } = wait;
  return inTransaction(pool, async (client) => {
    await lockKey(client, project_id, event_key);
    const event = await findUnderWay(client, project_id, event_key, wait);
    const isOwn = event?.trigger_id === id && event.trigger_revision === revision;
    if (event?.status === "offered" && !isOwn) return { unsettled: event };
    const claim = await claimEventTrigger(client, wait);
    if (claim === "taken") return claim;
    if (!event || isOwn) return { event };
    // Who tries again has been offered by the first try what there was.
    return claim === "claimed" ? { event: await offer(client, event.id, wait) } : {};
  });
}

/** One at a time decides who gets the events of a key. */
async function lockKey(db: Db, projectId: string, eventKey: string): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended($1, hashtext($2)))", [eventKey, projectId]);
}

/** What is held or offered under a key now. An offer to `wait` is found however old it is. */
async function findUnderWay(
  db: Db,
  projectId: string,
  eventKey: string,
  wait?: TriggerRow,
): Promise<HeldEvent | undefined> {
  const find = async () => {
    const { rows } = await db.query<HeldColumns>(
      `select ${COLUMNS} from held_events
       where project_id = $1 and event_key = $2 and status in ('held', 'offered')
         and (expires_at > now() or status = 'offered' and trigger_id = $3 and trigger_revision = $4)
       order by sent_at limit 1`,
      [projectId, eventKey, wait?.id, wait?.revision],
    );
    return rows[0] && heldEventOf(rows[0]);
  };
  const found = await find();
  if (found?.status !== "offered") return found;
  await settleOffers(db, projectId, eventKey);
  return find();
}

async function offer(db: Db, eventId: string, wait: TriggerRow): Promise<HeldEvent> {
  const { rows } = await db.query<HeldColumns>(
    `update held_events set
       status = 'offered', offers = offers + 1, command_id = format('held:%s:%s', id, offers + 1),
       trigger_id = $2, trigger_revision = $3, run_id = $4, step_ref = $5
     where id = $1
     returning ${COLUMNS}`,
    [eventId, wait.id, wait.revision, wait.run_id, wait.step_ref],
  );
  return heldEventOf(rows[0] as HeldColumns);
}

/** Takes down what the runs have said to what they were offered. */
export async function settleOffers(db: Db, projectId: string, eventKey?: string): Promise<void> {
  await db.query(
    `with settled as (
       update held_events event
       set status = case known.outcome->>'status' when 'applied' then 'delivered' else 'held' end
       from run_commands known
       where event.project_id = $1 and ($2::text is null or event.event_key = $2) and event.status = 'offered'
         and known.run_id = event.run_id and known.id = event.command_id
       returning event.status, event.run_id, event.payload_ref
     )
     update documents set run_id = settled.run_id
     from settled where settled.status = 'delivered' and documents.id = settled.payload_ref`,
    [projectId, eventKey],
  );
}

/** The same for runs that have ended long ago: what they have not taken, they will not. */
export async function settleOffersTo(db: Db, runIds: string[]): Promise<void> {
  await db.query(
    `with settled as (
       update held_events event set status = case when exists (
         select from run_commands known
         where known.run_id = event.run_id and known.id = event.command_id and known.outcome->>'status' = 'applied')
         then 'delivered' else 'held' end
       where event.run_id = any($1) and event.status = 'offered'
       returning event.status, event.run_id, event.payload_ref
     )
     update documents set run_id = settled.run_id
     from settled where settled.status = 'delivered' and documents.id = settled.payload_ref`,
    [runIds],
  );
}

/** After the run has closed: it will not hear of the offer any more. */
export async function withdrawOffer(db: Db, event: HeldEvent): Promise<void> {
  await settleOffers(db, event.project_id, event.event_key);
  await db.query(
    `update held_events event set status = 'held'
     where id = $1 and status = 'offered' and command_id = $2
       and not exists (select from run_commands known where known.run_id = event.run_id and known.id = $2)`,
    [event.id, event.command_id],
  );
}

/** Undefined: no event is held under the key now. */
export async function cancelHeldEvent(db: Db, projectId: string, eventKey: string): Promise<HeldEvent | undefined> {
  await settleOffers(db, projectId, eventKey);
  const { rows } = await db.query<HeldColumns>(
    `update held_events set status = 'canceled'
     where project_id = $1 and event_key = $2 and status = 'held' and expires_at > now()
     returning ${COLUMNS}`,
    [projectId, eventKey],
  );
  return rows[0] && heldEventOf(rows[0]);
}

export async function findHeldEvent(db: Db, id: string): Promise<HeldEvent | undefined> {
  const { rows } = await db.query<HeldColumns>(`select ${COLUMNS} from held_events where id = $1`, [id]);
  return rows[0] && heldEventOf(rows[0]);
}

/** The one that is held under the key now; else the newest that no run has taken. */
export async function findShownEvent(db: Db, projectId: string, eventKey: string): Promise<HeldEvent | undefined> {
  await settleOffers(db, projectId, eventKey);
  const { rows } = await db.query<HeldColumns>(
    `select ${COLUMNS} from held_events where project_id = $1 and event_key = $2 and status in ('held', 'canceled')
     order by status = 'held' and expires_at > now() desc, sent_at desc limit 1`,
    [projectId, eventKey],
  );
  return rows[0] && heldEventOf(rows[0]);
}

export const COLUMNS = `
  id, project_id, event_key, case when status = 'held' and expires_at <= now() then 'timed_out' else status end as status,
  payload, payload_ref, hold_secs, sent_by, sent_at, expires_at, command_id, trigger_id, trigger_revision, run_id, step_ref`;

export type HeldColumns = Omit<Columns<HeldEvent>, "payload"> & { payload: string | null; payload_ref: string | null };

export function heldEventOf({ payload, payload_ref, ...row }: HeldColumns): HeldEvent {
  return withoutNulls<HeldEvent>({ ...row, payload: documentOf(payload, payload_ref) });
}
