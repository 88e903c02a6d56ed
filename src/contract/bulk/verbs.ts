import { z } from "zod";
import { list, members } from "../fields.ts";
import { id } from "../ids.ts";
import { dryRun } from "../runs.ts";

/** Bulk-cancel and bulk-replay. */
export const bulkBody = members({ workflow_run_ids: list(z.string(), 100, 1) });

const count = z.int().min(0);
const dry_run = z.literal(true);

export const bulkCanceled = z.strictObject({
  canceled: count,
  failed: count,
  workflow_run_ids: z.array(id).describe("Those that were canceled, in the order asked."),
  accepted: z
    .array(z.strictObject({ workflow_run_id: id, command_id: z.string() }))
    .optional()
    .describe("Of these something may still begin. Each takes effect once, like any command that is accepted."),
});
export type BulkCanceled = z.output<typeof bulkCanceled>;

/** What a bulk cancel would do to each run, each by itself. */
export const bulkCancelPlan = bulkCanceled.omit({ accepted: true }).extend({
  dry_run,
  results: z.array(
    z.discriminatedUnion("status", [
      z.strictObject({ workflow_run_id: z.string(), status: z.literal("canceled"), plan: dryRun }),
      z.strictObject({ workflow_run_id: z.string(), status: z.literal("failed"), error: z.string() }),
    ]),
  ),
});
export type BulkCancelPlan = z.output<typeof bulkCancelPlan>;

const replayCounts = { replayed: count, failed: count, total: count };
const notReplayed = z.strictObject({ original_run_id: z.string(), status: z.literal("failed"), error: z.string() });

export const bulkReplayed = z.strictObject({
  ...replayCounts,
  results: z
    .array(
      z.discriminatedUnion("status", [
        z.strictObject({ original_run_id: id, new_run_id: id, status: z.literal("replayed") }),
        notReplayed,
      ]),
    )
    .describe("In the order asked."),
});
export type BulkReplayed = z.output<typeof bulkReplayed>;

/** What a bulk replay would do to each run, each by itself. */
export const bulkReplayPlan = z.strictObject({
  dry_run,
  ...replayCounts,
  results: z.array(
    z.discriminatedUnion("status", [
      z.strictObject({ original_run_id: id, status: z.literal("replayed"), plan: dryRun }),
      notReplayed,
    ]),
  ),
});
export type BulkReplayPlan = z.output<typeof bulkReplayPlan>;
