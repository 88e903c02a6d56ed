import { v7 as uuid } from "uuid";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";

export const NOW = Date.UTC(2026, 2, 2, 10, 0, 0, 123);

export const wait = (project_id: string, over: Partial<TriggerRow> = {}): TriggerRow => ({
  id: `evt:${uuid()}`,
  project_id,
  event_key: "payment",
  run_id: uuid(),
  step_run_id: uuid(),
  step_ref: "paid",
  source: "wait_for_event",
  status: "waiting",
  timeout_secs: 60,
  requested_at: NOW,
  expires_at: NOW + 60_000,
  revision: 1,
  ...over,
});
