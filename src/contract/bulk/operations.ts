import { z } from "zod";
import { ERROR_CODES } from "../answers/problem.ts";
import { line, list, members, noObject, prose, sentence, whole } from "../fields.ts";
import { id } from "../ids.ts";
import { type FilterBody, filterBody } from "../lists/run-filters.ts";
import { time } from "../times.ts";
import { versionPolicy } from "../workflows.ts";

/** Of those that act on steps: `retry` on what failed, `approve` and `reject` on the gate that waits, if no step is named. */
const OF_STEPS = ["retry", "approve", "reject", "skip"] as const;
const OF_RUNS = ["cancel", "replay", "pause", "resume"] as const;
const KINDS = [...OF_RUNS, ...OF_STEPS] as const;
export type BulkOperationKind = (typeof KINDS)[number];
export type BulkStepVerb = (typeof OF_STEPS)[number];
const isOfSteps = (operation: BulkOperationKind): operation is BulkStepVerb =>
  (OF_STEPS as readonly string[]).includes(operation);
export const ITEM_STATUSES = ["pending", "applied", "skipped", "failed"] as const;
export type BulkItemStatus = (typeof ITEM_STATUSES)[number];

/** How many runs one operation may have. */
export const MAX_BULK_RUNS = 100_000;
/** A body that names as many runs by id. */
export const MAX_BULK_BODY_BYTES = 5 * 1_048_576;

export type BulkFilter = FilterBody;

/** POST /v1/bulk-operations. */
export const bulkOperationBody = members({
  project_id: line(255).optional(),
  operation: z.enum(KINDS),
  step_ref: line(255)
    .min(1)
    .optional()
    .describe("Of retry, approve, reject, skip. Absent: all that failed; the one gate that waits; skip needs it."),
  ids: list(id, MAX_BULK_RUNS, 1).optional(),
  filter: z.preprocess(noObject, filterBody).optional(),
  reason: prose(4096).optional(),
  max_per_second: whole.min(1).max(1000).optional(),
  version: versionPolicy
    .optional()
    .describe("Of retry and replay: in which version a run goes on, as with those verbs."),
})
  .refine(
    ({ ids, filter }) => (ids === undefined) !== (filter === undefined),
    sentence("exactly one of ids and filter is required"),
  )
  .refine(({ operation, step_ref }) => operation !== "skip" || step_ref !== undefined, {
    error: "required",
    path: ["step_ref"],
  })
  .refine(({ operation, step_ref }) => step_ref === undefined || isOfSteps(operation), {
    error: "is only for retry, approve, reject and skip",
    path: ["step_ref"],
  })
  .refine(({ operation, version }) => version === undefined || operation === "retry" || operation === "replay", {
    error: "is only for retry and replay",
    path: ["version"],
  })
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
    step_ref: z.string().optional(),
    filter: filterBody.optional().describe("Absent when the runs were named by id."),
    reason: z.string().optional(),
    max_per_second: z.int().optional(),
    version: versionPolicy.optional(),
    progress,
    created_by: z.string(),
    created_at: time,
    finished_at: time.optional(),
  })
  .meta({ id: "BulkOperation" });
export type BulkOperation = z.output<typeof bulkOperation>;

/** What an operation would act upon, as `dryRun=true` answers it. */
export const bulkPlan = bulkOperation
  .pick({
    project_id: true,
    operation: true,
    step_ref: true,
    filter: true,
    reason: true,
    max_per_second: true,
    version: true,
  })
  .extend({
    dry_run: z.literal(true),
    total: count,
    workflow_run_ids: z.array(id).describe("The first hundred."),
    runs: z
      .array(
        z.strictObject({
          workflow_run_id: id,
          outcome: z.enum(["applies", "skipped", "refused"]),
          reason: z.string().optional().describe("Why it would be skipped or refused."),
          code: z.enum(ERROR_CODES).optional().describe("Of a refusal."),
        }),
      )
      .describe("What it would make of each of the first hundred now."),
    refused: z
      .array(z.strictObject({ workflow_run_id: id, code: z.enum(ERROR_CODES), error: z.string() }))
      .describe("Of the first hundred, those that would be refused now, and why."),
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
