import type { Delivery, Webhook } from "../contract/webhooks/webhooks.ts";
import type { StoredDelivery } from "../store/webhooks/deliveries.ts";
import type { StoredWebhook } from "../store/webhooks/webhooks.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { shownTime } from "./shown-time.ts";

/** Without its secret. */
export const presentWebhook = ({ secret: _, created_at, updated_at, ...row }: StoredWebhook): Webhook => ({
  ...row,
  created_at: rfc3339(created_at),
  updated_at: rfc3339(updated_at),
});

export const presentDelivery = (row: StoredDelivery): Delivery => ({
  id: row.id,
  webhook_id: row.webhook_id,
  message_id: row.message_id,
  event: row.event,
  workflow_run_id: row.run_id,
  step_ref: row.step_ref,
  recipient: row.recipient,
  status: row.status === "new" ? "pending" : row.status,
  attempts: row.attempts,
  last_error: row.last_error || undefined,
  created_at: rfc3339(row.created_at),
  last_attempt_at: shownTime(row.last_attempt_at),
  delivered_at: shownTime(row.delivered_at),
});
