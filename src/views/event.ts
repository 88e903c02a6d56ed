import type { EventTrigger } from "../contract/events/event-trigger.ts";
import type { Deps } from "../deps.ts";
import type { HeldEvent } from "../store/events/held-events.ts";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { shownDocuments } from "./shown-documents.ts";
import { shownTime } from "./shown-time.ts";

export type EventRow = TriggerRow | HeldEvent;

/** Waits, and events that are held. As many of them, from the first one on, as one answer has room for. */
export async function presentEvents({ db }: Deps, rows: EventRow[]): Promise<EventTrigger[]> {
  const { found, leftOut } = await shownDocuments(
    db,
    rows.map((row) => ("hold_secs" in row ? row.payload : row.response_payload)),
  );
  return rows.slice(0, leftOut[0]).map((row, i) => {
    const shown = "hold_secs" in row ? held(row) : waited(row);
    return { ...shown, response_payload: found[i] };
  });
}

export async function presentEvent(deps: Deps, row: EventRow): Promise<EventTrigger> {
  const [event] = await presentEvents(deps, [row]);
  return event as EventTrigger;
}

const TRIGGER_TYPES: Record<TriggerRow["source"], EventTrigger["trigger_type"]> = {
  wait_for_event: "event",
  approval: "event",
  sleep: "sleep",
};

const waited = (row: TriggerRow): EventTrigger => ({
  id: row.id,
  event_key: row.event_key,
  project_id: row.project_id,
  source_type: "workflow_step",
  trigger_type: TRIGGER_TYPES[row.source],
  status: row.status,
  timeout_secs: row.timeout_secs,
  workflow_run_id: row.run_id,
  workflow_step_run_id: row.step_run_id,
  requested_at: rfc3339(row.requested_at),
  expires_at: shownTime(row.expires_at),
  received_at: shownTime(row.received_at),
  error: row.error || undefined,
  notify_url: row.notify_url,
  notify_status: row.notify_status,
  sent_by: row.sent_by,
});

const SHOWN_AS = {
  held: "held",
  offered: "held",
  delivered: "received",
  canceled: "canceled",
  timed_out: "timed_out",
} as const;
const WHY: Partial<Record<HeldEvent["status"], string>> = {
  canceled: "canceled by user",
  timed_out: "nobody waited for the event in time",
};

const held = (row: HeldEvent): EventTrigger => ({
  id: `evt:held:${row.id}`,
  event_key: row.event_key,
  project_id: row.project_id,
  source_type: "workflow_step",
  trigger_type: "event",
  status: SHOWN_AS[row.status],
  timeout_secs: row.hold_secs,
  requested_at: rfc3339(row.sent_at),
  expires_at: rfc3339(row.expires_at),
  error: WHY[row.status],
  sent_by: row.sent_by,
});
