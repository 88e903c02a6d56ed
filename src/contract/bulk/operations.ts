import { z } from "zod";
import { line, list, members, prose, sentence, whole } from "../fields.ts";
import { isId } from "../ids.ts";
import { RUN_STATUSES } from "../runs.ts";
import { TAG_KEY_GIVEN } from "../tags.ts";

const KINDS = ["cancel", "replay", "pause", "resume"] as const;
export type BulkOperationKind = (typeof KINDS)[number];
export const ITEM_STATUSES = ["pending", "applied", "skipped", "failed"] as const;
export type BulkItemStatus = (typeof ITEM_STATUSES)[number];
export type BulkStatus = "running" | "paused" | "completed" | "aborted";

/** How many runs one operation may have. */
export const MAX_BULK_RUNS = 100_000;
/** A body that names as many runs by id. */
export const MAX_BULK_BODY_BYTES = 5 * 1_048_576;

const id = z.string().refine(isId, "must be an id");

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
}).refine(
  ({ ids, filter }) => (ids === undefined) !== (filter === undefined),
  sentence("exactly one of ids and filter is required"),
);
export type BulkOperationBody = z.output<typeof bulkOperationBody>;

export interface BulkOperation {
  id: string;
  project_id: string;
  operation: BulkOperationKind;
  status: BulkStatus;
  /** Absent when the runs were named by id. */
  filter?: BulkFilter;
  reason?: string;
  max_per_second?: number;
  /** Runs by item status. */
  progress: { total: number } & Record<BulkItemStatus, number>;
  created_by: string;
  created_at: string;
  finished_at?: string;
}

/** What an operation would act upon, as `dryRun=true` answers it. */
export interface BulkPlan
  extends Pick<BulkOperation, "project_id" | "operation" | "filter" | "reason" | "max_per_second"> {
  dry_run: true;
  total: number;
  /** The first hundred. */
  workflow_run_ids: string[];
}

/** What a verb would make of an operation. */
export interface BulkSteeringPlan extends Pick<BulkOperation, "id" | "status" | "progress"> {
  dry_run: true;
  status_after: BulkStatus;
}

export interface BulkItem {
  workflow_run_id: string;
  /**
   * skipped: the run was already as the operation would have it. failed: `code` and `error` say why. pending: not acted
   * upon, in an aborted operation for good.
   */
  status: BulkItemStatus;
  code?: string;
  error?: string;
  /** What a replay made. */
  new_run_id?: string;
  settled_at?: string;
}
