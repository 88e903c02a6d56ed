import type { WorkflowPolicy } from "../contract/definitions/workflow-policies.ts";
import type { StoredPolicy } from "../store/definitions/workflow-policies.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

export const presentPolicy = (policy: StoredPolicy): WorkflowPolicy => ({
  id: policy.id,
  project_id: policy.project_id,
  max_fan_out: policy.max_fan_out,
  max_depth: policy.max_depth,
  forbidden_step_types: policy.forbidden_step_types.length > 0 ? policy.forbidden_step_types : undefined,
  require_approval_for_deploy: policy.require_approval_for_deploy,
  created_at: rfc3339(policy.created_at),
  updated_at: rfc3339(policy.updated_at),
});
