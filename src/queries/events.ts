import type { Cursor } from "../contract/cursor.ts";
import type { EventStats } from "../contract/events/events.ts";
import type { EventTrigger } from "../contract/events/event-trigger.ts";
import { stringifyJson } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { type Caller, projectOf } from "../identity/caller.ts";
import { countEvents, listHeldEvents, listTriggers } from "../store/events/event-lists.ts";
import { findLatestEventTrigger } from "../store/event-triggers.ts";
import { findShownEvent, settleOffers } from "../store/events/held-events.ts";
import { fittingPageOf, type Page } from "./page.ts";
import { type EventRow, presentEvent, presentEvents } from "../views/event.ts";

export interface EventFilter {
  status?: EventTrigger["status"];
  runId?: string;
  sourceType?: EventTrigger["source_type"];
  cursor?: Cursor;
  limit: number;
}

/** A page of a project's waits, and of the events that are held, newest first; a smaller one where payloads are large. */
export async function listEvents(
  deps: Deps,
  projectId: string,
  { sourceType, ...filter }: EventFilter,
): Promise<Page<EventTrigger>> {
  // Nothing but steps waits here.
  if (sourceType === "job_run") return { items: [] };
  await settleOffers(deps.db, projectId);
  const read = async (limit: number): Promise<EventRow[]> => {
    const page = { ...filter, projectId, limit };
    const [waits, held] = await Promise.all([listTriggers(deps.db, page), listHeldEvents(deps.db, page)]);
    return [...waits, ...held].sort(newestFirst).slice(0, limit);
  };
  return fittingPageOf(filter.limit, read, (rows) => presentEvents(deps, rows), placeOf);
}

const placeOf = (row: EventRow) =>
  "hold_secs" in row ? { at: row.sent_at, id: row.id } : { at: row.requested_at, id: row.step_run_id };

function newestFirst(a: EventRow, b: EventRow): number {
  const [x, y] = [placeOf(a), placeOf(b)];
  return y.at - x.at || (x.id < y.id ? 1 : -1);
}

/** What a key stands for now: who waits for it, else what is held for it, else its newest use. */
export async function getEvent(deps: Deps, caller: Caller, eventKey: string, asked?: string): Promise<EventTrigger> {
  const projectId = projectOf(caller, asked);
  const wait = await findLatestEventTrigger(deps.db, projectId, eventKey);
  const held = wait?.status === "waiting" ? undefined : await findShownEvent(deps.db, projectId, eventKey);
  const [newest] = [wait, held].flatMap((row) => row ?? []).sort(newestFirst);
  const row = held?.status === "held" ? held : newest;
  if (!row) throw new Problem("not_found", "event trigger not found");
  return presentEvent(deps, row);
}

/** That its time is up is told by nobody. */
const LOOK_AGAIN_MS = 1_000;

/** The same, and again whenever it has changed, until nothing waits or is held, or all is over. */
export async function* followEvent(
  deps: Deps,
  caller: Caller,
  eventKey: string,
  asked: string | undefined,
  isOver: () => boolean,
): AsyncGenerator<EventTrigger> {
  for (let told = ""; ; ) {
    const event = await getEvent(deps, caller, eventKey, asked);
    const text = stringifyJson(event);
    if (text !== told) yield event;
    told = text;
    if (isOver() || (event.status !== "waiting" && event.status !== "held")) return;
    await deps.notifications.newsOf(event.workflow_run_id ?? event.id, AbortSignal.timeout(LOOK_AGAIN_MS));
  }
}

export async function getEventStats({ db }: Deps, projectId: string): Promise<EventStats> {
  await settleOffers(db, projectId);
  const { waiting, held, received, timed_out, canceled, avg_wait_secs } = await countEvents(db, projectId);
  return {
    total_count: waiting + held + received + timed_out + canceled,
    waiting_count: waiting,
    held_count: held,
    received_count: received,
    timed_out_count: timed_out,
    canceled_count: canceled,
    avg_wait_duration_secs: avg_wait_secs,
  };
}
