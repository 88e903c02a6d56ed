import { z } from "zod";
import { ERROR_CODES } from "../answers/problem.ts";
import { json, members } from "../fields.ts";
import { id } from "../ids.ts";
import { page, tagged } from "../lists.ts";
import { choice, NOT_ONE_OF, query } from "../lists/parameters.ts";
import { dryRun } from "../runs.ts";
import { EVENT_STATUSES, eventTrigger, SOURCE_TYPES } from "./event-trigger.ts";

const WEEK_SECS = 7 * 86_400;

/** Sending an event. `hold_secs`: how long it is kept for whoever waits for it first, when nobody does yet. */
export const sendEventBody = members({
  payload: json.optional(),
  hold_secs: z.int().min(1).max(WEEK_SECS).optional(),
}).meta({ example: { payload: { paid: true }, hold_secs: 3600 } });

/** Sending one event to many. */
export const sendToPrefixBody = members({ payload: json.optional() }).meta({ example: { payload: { paid: true } } });

export const purgeEventsBody = members({ older_than_days: z.int().min(1).max(36_500) }).meta({
  example: { older_than_days: 30 },
});

/** The list is always an envelope. */
export const eventsQuery = query({
  limit: page.limit,
  cursor: page.cursor,
  envelope: choice(["true"], "must be true: this list is always an envelope").optional(),
  project_id: tagged.project_id,
  status: choice(EVENT_STATUSES, NOT_ONE_OF).optional(),
  workflow_run_id: z.string().optional(),
  source_type: choice(SOURCE_TYPES, NOT_ONE_OF).optional(),
});

const count = z.int().min(0);

export const eventStats = z
  .strictObject({
    total_count: count,
    waiting_count: count,
    held_count: count,
    received_count: count,
    timed_out_count: count,
    canceled_count: count,
    avg_wait_duration_secs: z.number().describe("Of those that were received. 0 if there is none."),
  })
  .meta({ id: "EventStats" });
export type EventStats = z.output<typeof eventStats>;

const ofKey = { event_key: z.string(), workflow_run_id: id };

/** What became of an event that was sent to all keys with a prefix. */
export const prefixSent = z
  .strictObject({
    resolved: count,
    triggers: z.array(eventTrigger).describe("Those that received it, without its payload."),
    accepted: z
      .array(z.strictObject({ ...ofKey, command_id: z.string() }))
      .describe("No worker could take it yet. Each takes effect once, like any command that is accepted."),
    failed: z.array(
      z.strictObject({ ...ofKey, code: z.enum(ERROR_CODES), error: z.string() }).partial({ workflow_run_id: true }),
    ),
    has_more: z.boolean().describe("More waited for such a key than one request reaches."),
  })
  .meta({ id: "PrefixSent" });
export type PrefixSent = z.output<typeof prefixSent>;

export const prefixPlan = prefixSent
  .pick({ resolved: true, triggers: true, has_more: true })
  .extend({ dry_run: z.literal(true) })
  .meta({ id: "PrefixPlan" });
export type PrefixPlan = z.output<typeof prefixPlan>;

export const purged = z.strictObject({ deleted: count });
export const purgePlan = z.strictObject({ dry_run: z.literal(true), would_delete: count });

/** What holding an event would store. */
export const holdPlan = z
  .strictObject({
    dry_run: z.literal(true),
    event_trigger: eventTrigger.omit({ id: true, requested_at: true, expires_at: true }),
  })
  .meta({ id: "HoldPlan" });
export type HoldPlan = z.output<typeof holdPlan>;

/** What canceling would make of an event that is held. */
export const cancelPlan = z
  .strictObject({ dry_run: z.literal(true), event_trigger: eventTrigger })
  .meta({ id: "CancelPlan" });
export type CancelPlan = z.output<typeof cancelPlan>;

/** A wait is one of a run, to which it is sent; what nobody waits for is held. */
export const sendPlan = z.union([dryRun, holdPlan]);
export const cancelEventPlan = z.union([dryRun, cancelPlan]);
