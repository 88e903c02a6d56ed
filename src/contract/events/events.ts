import { z } from "zod";
import { json, members } from "../fields.ts";
import { choice, page, query, tagged } from "../lists.ts";
import type { EventTrigger } from "../runs.ts";

const WEEK_SECS = 7 * 86_400;

/** Sending an event. `hold_secs`: how long it is kept for whoever waits for it first, when nobody does yet. */
export const sendEventBody = members({
  payload: json.optional(),
  hold_secs: z.int().min(1).max(WEEK_SECS).optional(),
});

/** Sending one event to many. */
export const sendToPrefixBody = members({ payload: json.optional() });

export const purgeEventsBody = members({ older_than_days: z.int().min(1).max(36_500) });

const EVENT_STATUSES = ["waiting", "held", "received", "timed_out", "canceled"] as const;

/** The list is always an envelope. */
export const eventsQuery = query({
  limit: page.limit,
  cursor: page.cursor,
  envelope: choice(["true"], "must be true: this list is always an envelope").optional(),
  project_id: tagged.project_id,
  status: choice(EVENT_STATUSES, "is invalid").optional(),
  workflow_run_id: z.string().optional(),
  source_type: choice(["workflow_step", "job_run"], "is invalid").optional(),
});

export interface EventStats {
  total_count: number;
  waiting_count: number;
  held_count: number;
  received_count: number;
  timed_out_count: number;
  canceled_count: number;
  /** Of those that were received; 0 where there is none. */
  avg_wait_duration_secs: number;
}

/** What became of an event that was sent to all keys with a prefix. */
export interface PrefixSent {
  resolved: number;
  /** Those that received it, without its payload. */
  triggers: EventTrigger[];
  /** No worker could say yet: each takes effect once, and is told of like any command that is accepted. */
  accepted: { event_key: string; workflow_run_id: string; command_id: string }[];
  failed: { event_key: string; workflow_run_id?: string; code: string; error: string }[];
  /** More waited for such a key than one request reaches. */
  has_more: boolean;
}

/** What holding an event would store. */
export interface HoldPlan {
  dry_run: true;
  event_trigger: Omit<EventTrigger, "id" | "requested_at" | "expires_at">;
}
