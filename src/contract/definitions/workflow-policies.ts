import { z } from "zod";
import { id } from "../ids.ts";
import { line, list, members, whole } from "../fields.ts";
import { STEP_TYPES } from "../steps/index.ts";
import { time } from "../times.ts";

const MAX_TYPES = 100;

const stepType = line(100).refine(
  (type) => Object.hasOwn(STEP_TYPES, type.toLowerCase()),
  `must be one of ${Object.keys(STEP_TYPES).join(", ")}`,
);

/** PUT /v1/workflow-policies/{projectID}: the whole policy. What is left out is off. */
export const workflowPolicyBody = members({
  max_fan_out: whole.min(0).default(0),
  max_depth: whole.min(0).default(0),
  forbidden_step_types: list(stepType, MAX_TYPES).default([]),
  require_approval_for_deploy: z.boolean().default(false),
}).meta({ example: { max_fan_out: 100, max_depth: 50, forbidden_step_types: ["sleep"] } });
export type PolicyRules = z.output<typeof workflowPolicyBody>;

/** What definitions of a project may not be (docs/definitions.md, Policies). */
export const workflowPolicy = z
  .strictObject({
    id,
    project_id: z.string(),
    max_fan_out: z.int().min(0),
    max_depth: z.int().min(0),
    forbidden_step_types: z.array(z.string()).optional(),
    require_approval_for_deploy: z.boolean(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "WorkflowPolicy", description: "What definitions of a project may not be." });
export type WorkflowPolicy = z.output<typeof workflowPolicy>;

/** What would be stored, as `dryRun=true` answers it. */
export const workflowPolicyPlan = z
  .strictObject({
    dry_run: z.literal(true),
    policy: workflowPolicy.omit({ id: true, created_at: true, updated_at: true }),
  })
  .meta({ id: "WorkflowPolicyPlan" });
export type WorkflowPolicyPlan = z.output<typeof workflowPolicyPlan>;
