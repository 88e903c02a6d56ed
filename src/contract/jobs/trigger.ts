import { z } from "zod";
import { ERROR_CODES, failedItem } from "../answers/problem.ts";
import { document, shownTags, ignored, json, line, list, members } from "../fields.ts";
import { idempotencyKey } from "../idempotency.ts";
import { id } from "../ids.ts";
import { jobRunStatus } from "./runs.ts";
import { tags } from "../tags.ts";

const said = {
  payload: json.optional(),
  tags: tags.optional(),
  idempotency_key: idempotencyKey.optional(),
  priority: ignored,
  metadata: ignored,
};

/** POST /v1/jobs/{id}/trigger */
export const jobTriggerBody = members({ project_id: line(255).optional(), ...said }).meta({
  example: { payload: { order: 7 } },
});
export type JobTriggerBody = z.output<typeof jobTriggerBody>;

/** POST /v1/jobs/{id}/trigger/bulk: each is a body of a trigger, and looked at by itself. */
export const bulkTriggerBody = members({ items: list(json, 100, 1) }).meta({
  example: { items: [{ payload: { order: 7 } }] },
});

/** POST /v1/runs/{id}/replay: a payload in place of the one that the run had. */
export const replayBody = members({ payload: json.optional() }).meta({ example: {} });
export type ReplayBody = z.output<typeof replayBody>;

/** The run that a trigger made, or had made before under the same key. */
export const triggered = z
  .strictObject({
    id,
    status: jobRunStatus,
    idempotency_hit: z.boolean(),
    payload_hash: z.string().describe("SHA-256 of what the endpoint is given."),
    run_token: z.string().optional(),
  })
  .meta({ id: "Triggered" });
export type Triggered = z.output<typeof triggered>;

/** What a trigger or a replay would make, as `dryRun=true` answers it. */
export const jobTriggerPlan = z
  .strictObject({
    dry_run: z.literal(true),
    run: z.strictObject({
      job_id: id,
      project_id: z.string(),
      status: z.literal("queued"),
      triggered_by: z.string(),
      created_by: z.string(),
      payload: document.optional(),
      tags: shownTags.optional(),
    }),
    payload_hash: z.string(),
    refused: z
      .array(z.strictObject({ code: z.enum(ERROR_CODES), message: z.string() }))
      .describe("Why it would be refused now. Empty if it would not be."),
  })
  .meta({ id: "JobTriggerPlan" });
export type JobTriggerPlan = z.output<typeof jobTriggerPlan>;

const index = z.int().min(0);
const bulkOf = <Made extends z.ZodType>(made: Made) =>
  z.strictObject({
    triggered: z.int().min(0),
    failed: z.int().min(0),
    results: z.array(z.union([made, failedItem])).describe("In the order asked."),
  });

/** What became of each of many triggers. */
export const triggeredBulk = bulkOf(triggered.extend({ index })).meta({ id: "TriggeredBulk" });
export type TriggeredBulk = z.output<typeof triggeredBulk>;
export const bulkTriggerPlan = bulkOf(z.strictObject({ index, status: z.literal("queued"), plan: jobTriggerPlan }))
  .extend({ dry_run: z.literal(true) })
  .meta({ id: "BulkTriggerPlan" });
export type BulkTriggerPlan = z.output<typeof bulkTriggerPlan>;
