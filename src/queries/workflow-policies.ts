import type { WorkflowPolicy } from "../contract/definitions/workflow-policies.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import { findPolicy } from "../store/definitions/workflow-policies.ts";
import { presentPolicy } from "../views/workflow-policy.ts";

export const POLICY_NOT_FOUND = "workflow policy not found";

export async function getPolicy({ db }: Deps, caller: Caller, projectId: string): Promise<WorkflowPolicy> {
  assertProject(caller, projectId, POLICY_NOT_FOUND);
  const policy = await findPolicy(db, projectId);
  if (!policy) throw new Problem("not_found", POLICY_NOT_FOUND);
  return presentPolicy(policy);
}
