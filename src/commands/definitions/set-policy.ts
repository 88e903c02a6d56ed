import { v7 as uuid } from "uuid";
import type { PolicyRules, WorkflowPolicy, WorkflowPolicyPlan } from "../../contract/definitions/workflow-policies.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { assertProject, type Caller } from "../../identity/caller.ts";
import { POLICY_NOT_FOUND } from "../../queries/workflow-policies.ts";
import { savePolicy, type StoredPolicy } from "../../store/definitions/workflow-policies.ts";
import { presentPolicy } from "../../views/workflow-policy.ts";

/** In place of the policy that the project has. What is stored already stays stored. */
export async function setPolicy(
  { db }: Deps,
  caller: Caller,
  projectId: string,
  rules: PolicyRules,
): Promise<WorkflowPolicy> {
  return presentPolicy(await savePolicy(db, policyOf(caller, projectId, rules)));
}

/** What would be stored. */
export function previewPolicy(caller: Caller, projectId: string, rules: PolicyRules): WorkflowPolicyPlan {
  const { id, created_at, updated_at, ...policy } = presentPolicy(policyOf(caller, projectId, rules));
  return { dry_run: true, policy };
}

function policyOf(caller: Caller, project_id: string, rules: PolicyRules): StoredPolicy {
  assertProject(caller, project_id, POLICY_NOT_FOUND);
  const at = now();
  return { id: uuid(), project_id, ...rules, created_at: at, updated_at: at };
}
