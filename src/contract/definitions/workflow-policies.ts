import { z } from "zod";
import { line, list, members, whole } from "../fields.ts";
import { STEP_TYPES } from "../steps/index.ts";

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
});
export type PolicyRules = z.output<typeof workflowPolicyBody>;

/** What definitions of a project may not be (docs/definitions.md, Policies). */
export interface WorkflowPolicy extends Omit<PolicyRules, "forbidden_step_types"> {
  id: string;
  project_id: string;
  forbidden_step_types?: string[];
  created_at: string;
  updated_at: string;
}

/** What would be stored, as `dryRun=true` answers it. */
export interface WorkflowPolicyPlan {
  dry_run: true;
  policy: Omit<WorkflowPolicy, "id" | "created_at" | "updated_at">;
}
