import { z } from "zod";
import { json } from "../fields.ts";
import { id, versionId } from "../ids.ts";
import { time } from "../times.ts";

const count = z.int().min(0);

/** A workflow as it was from one change to the next (docs/definitions.md, Versions). Its steps are asked for by themselves. */
export const workflowVersion = z
  .strictObject({
    id: z
      .string()
      .describe("`<workflow id>:v<version>`. In paths and other answers, a version goes by its `version_id`."),
    workflow_id: id,
    version: z.int(),
    version_id: versionId,
    project_id: z.string(),
    name: z.string(),
    slug: z.string(),
    description: z.string().optional(),
    enabled: z.boolean(),
    timeout_secs: z.int(),
    max_concurrent_runs: z.int(),
    max_parallel_steps: z.int(),
    cron: z.string().optional(),
    cron_timezone: z.string().optional(),
    skip_if_running: z.boolean().optional(),
    backwards_compatible: z.boolean().optional(),
    created_by: z.string().optional(),
    updated_by: z.string().optional(),
    created_at: time,
  })
  .meta({ id: "WorkflowVersion" });
export type WorkflowVersion = z.output<typeof workflowVersion>;

const changed = z
  .strictObject({ from: json.optional(), to: json.optional() })
  .meta({ id: "Changed", description: "A field that differs. A side on which it has no value is absent." });
export type Changed = z.output<typeof changed>;

export const versionDiff = z
  .strictObject({
    from_version_id: versionId,
    to_version_id: versionId,
    added_steps: z.array(z.string()),
    removed_steps: z.array(z.string()),
    changed_steps: z.array(z.strictObject({ step_ref: z.string(), fields: z.record(z.string(), changed) })),
    changed_fields: z.record(z.string(), changed),
    step_order: z
      .array(z.string())
      .optional()
      .describe("All steps in their new order, where that is not the old one with what was added at its end."),
  })
  .meta({ id: "VersionDiff" });
export type VersionDiff = z.output<typeof versionDiff>;

export const versionImpact = z
  .strictObject({ version_id: versionId, matching_runs: count, sampled_runs: count })
  .meta({ id: "VersionImpact", description: "How many of the workflow's latest runs are of the version." });
export type VersionImpact = z.output<typeof versionImpact>;

export const activeVersions = z
  .strictObject({
    workflow_id: id,
    versions: z.array(
      z.strictObject({
        version_id: versionId,
        version: z.int(),
        pending: count,
        running: count,
        paused: count,
        total: count,
      }),
    ),
  })
  .meta({ id: "ActiveVersions", description: "Of each version that has open runs, the newest first, how many." });
export type ActiveVersions = z.output<typeof activeVersions>;
