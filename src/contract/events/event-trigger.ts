import { z } from "zod";
import { document } from "../fields.ts";
import { id } from "../ids.ts";
import { time } from "../times.ts";

const ENDS = ["received", "timed_out", "canceled"] as const;
export type EventTriggerStatus = "waiting" | (typeof ENDS)[number];
export const EVENT_STATUSES = ["waiting", "held", ...ENDS] as const;
/** Of the POST to an event_notify_url. */
const notifyStatus = z.enum(["pending", "sent", "failed"]);
export type NotifyStatus = z.output<typeof notifyStatus>;
export const SOURCE_TYPES = ["workflow_step", "job_run"] as const;

export const eventTrigger = z
  .strictObject({
    id: z.string(),
    event_key: z.string(),
    project_id: z.string(),
    source_type: z.enum(SOURCE_TYPES),
    status: z.enum(EVENT_STATUSES).describe("held: an event that was sent before anyone waited for it."),
    timeout_secs: z.int().min(0),
    requested_at: time,
    expires_at: time.optional().describe("Absent if the wait has no end."),
    trigger_type: z.enum(["event", "sleep"]).optional(),
    workflow_run_id: id.optional(),
    workflow_step_run_id: id.optional(),
    response_payload: document.optional(),
    received_at: time.optional(),
    error: z.string().optional(),
    notify_url: z.string().optional(),
    notify_status: notifyStatus.optional().describe("Of the POST to `notify_url`."),
    sent_by: z.string().optional(),
  })
  .meta({ id: "EventTrigger" });
export type EventTrigger = z.output<typeof eventTrigger>;
