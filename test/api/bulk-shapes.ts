import { z } from "zod";
import { count, id, positive, text, time } from "./shapes.ts";

export const bulkOperation = z.strictObject({
  id,
  project_id: text,
  operation: z.enum(["cancel", "replay", "pause", "resume", "retry", "approve", "reject", "skip"]),
  step_ref: text.optional(),
  status: z.enum(["running", "paused", "completed", "aborted"]),
  filter: z
    .strictObject({
      workflow_id: id.optional(),
      status: z.union([text, z.array(text)]).optional(),
      tag_key: text.optional(),
      tag_value: text.optional(),
      label: text.optional(),
      triggered_by: text.optional(),
      created_by: text.optional(),
      created_after: text.optional(),
      created_before: text.optional(),
      finished_after: text.optional(),
      finished_before: text.optional(),
      error_contains: text.optional(),
      waiting_longer_than_secs: count.optional(),
      is_retried: z.boolean().optional(),
    })
    .optional(),
  reason: text.optional(),
  max_per_second: positive.optional(),
  version: z.enum(["pin", "latest", "minor"]).optional(),
  progress: z.strictObject({ total: count, pending: count, applied: count, skipped: count, failed: count }),
  created_by: text,
  created_at: time,
  finished_at: time.optional(),
});
const settled = { workflow_run_id: id, settled_at: time };
export const bulkItem = z.discriminatedUnion("status", [
  z.strictObject({ workflow_run_id: id, status: z.literal("pending") }),
  z.strictObject({ ...settled, status: z.literal("applied"), new_run_id: id.optional() }),
  z.strictObject({ ...settled, status: z.literal("skipped") }),
  z.strictObject({ ...settled, status: z.literal("failed"), code: text, error: text }),
]);
