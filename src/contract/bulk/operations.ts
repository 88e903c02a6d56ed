import { z } from "zod";
import { line, list, members, prose, sentence, whole } from "../fields.ts";
import { id } from "../ids.ts";
import { RUN_STATUSES } from "../runs.ts";
import { TAG_KEY_GIVEN } from "../tags.ts";
import { time } from "../times.ts";

const KINDS = ["cancel", "replay", "pause", "resume"] as const;
export type BulkOperationKind = (typeof KINDS)[number];
export const ITEM_STATUSES = ["pending", "applied", "skipped", "failed"] as const;
export type BulkItemStatus = (typeof ITEM_STATUSES)[number];

/** How many runs one operation may have. */
export const MAX_BULK_RUNS = 100_000;
/** A body that names as many runs by id. */
export const MAX_BULK_BODY_BYTES = 5 * 1_048_576;

/** The filters of the list of runs. All given ones have to match. */
const filter = members({
  workflow_id: id.optional(),
  status: z.enum(RUN_STATUSES).optional(),
  tag_key: line(64).min(1).optional(),
  tag_value: line(256).min(1).optional(),
})
  .refine((given) => Object.keys(given).length > 0, sentence("filter must not be empty"))
  .refine(...TAG_KEY_GIVEN);
export type BulkFilter = z.output<typeof filter>;

/** POST /v1/bulk-operations. */
export const bulkOperationBody = members({
  project_id: line(255).optional(),
  operation: z.enum(KINDS),
  ids: list(id, MAX_BULK_RUNS, 1).optional(),
  filter: filter.optional(),
  reason: prose(4096).optional(),
  max_per_second: whole.min(1).max(1000).optional(),
})
  .refine(
    ({ ids, filter }) => (ids === undefined) !== (filter === undefined),
    sentence("exactly one of ids and filter is required"),
  )
  .meta({ example: { operation: "cancel", filter: { status: "running", tag_key: "team", tag_value: "a" } } });
export type BulkOperationBody = z.output<typeof bulkOperationBody>;

const status = z.enum(["running", "paused", "completed", "aborted"]);
export type BulkStatus = z.output<typeof status>;

const count = z.int().min(0);
const progress = z
  .strictObject({ total: count, pending: count, applied: count, skipped: count, failed: count })
  .describe("Runs by item status.");

export const bulkOperation = z
  .strictObject({
    id,
    project_id: z.string(),
    operation: z.enum(KINDS),
    status,
    filter: filter.optional().describe("Absent when the runs were named by id."),
    reason: z.string().optional(),
    max_per_second: z.int().optional(),
    progress,
    created_by: z.string(),
    created_at: time,
    finished_at: time.optional(),
  })
  .meta({ id: "BulkOperation" });
export type BulkOperation = z.output<typeof bulkOperation>;

/** What an operation would act upon, as `dryRun=true` answers it. */
export const bulkPlan = bulkOperation
  .pick({ project_id: true, operation: true, filter: true, reason: true, max_per_second: true })
  .extend({
    dry_run: z.literal(true),
    total: count,
    workflow_run_ids: z.array(id).describe("The first hundred."),
  })
  .meta({ id: "BulkPlan" });
export type BulkPlan = z.output<typeof bulkPlan>;

/** What a verb would make of an operation. */
export const bulkSteeringPlan = z
  .strictObject({ dry_run: z.literal(true), id, status, status_after: status, progress })
  .meta({ id: "BulkSteeringPlan" });
export type BulkSteeringPlan = z.output<typeof bulkSteeringPlan>;

export const bulkItem = z
  .strictObject({
    workflow_run_id: id,
    status: z
      .enum(ITEM_STATUSES)
      .describe(
        "skipped: the run was already as the operation would have it. failed: `code` and `error` say why. pending: not acted upon, in an aborted operation for good.",
      ),
    code: z.string().optional(),
    error: z.string().optional(),
    new_run_id: id.optional().describe("What a replay made."),
    settled_at: time.optional(),
  })
  .meta({ id: "BulkItem" });
export type BulkItem = z.output<typeof bulkItem>;
