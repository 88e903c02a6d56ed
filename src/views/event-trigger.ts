import type { EventTrigger } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { shownDocuments } from "./shown-documents.ts";
import { shownTime } from "./shown-time.ts";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

const TRIGGER_TYPES: Record<TriggerRow["source"], EventTrigger["trigger_type"]> = {
  wait_for_event: "event",
  approval: "event",
  sleep: "sleep",
};

export async function presentEventTrigger({ db }: Deps, row: TriggerRow): Promise<EventTrigger> {
  const { found } = await shownDocuments(db, [row.response_payload]);
  const [response_payload] = found;
  return {
    id: row.id,
    event_key: row.event_key,
    project_id: row.project_id,
    source_type: "workflow_step",
    trigger_type: TRIGGER_TYPES[row.source],
    status: row.status,
    timeout_secs: row.timeout_secs,
    workflow_run_id: row.run_id,
    workflow_step_run_id: row.step_run_id,
    response_payload,
    requested_at: rfc3339(row.requested_at),
    expires_at: shownTime(row.expires_at),
    received_at: shownTime(row.received_at),
    error: row.error || undefined,
    notify_url: row.notify_url,
    sent_by: row.sent_by,
  };
}
