import type { PolicyRules } from "../../contract/definitions/workflow-policies.ts";
import { type Columns, isUuid, withoutNulls } from "../postgres/columns.ts";
import type { Db } from "../postgres/pool.ts";
import type { StoredWorkflow } from "../workflows.ts";

export interface StoredPolicy extends PolicyRules {
  id: string;
  project_id: string;
  created_at: number;
  updated_at: number;
}

export async function findPolicy(db: Db, projectId: string): Promise<StoredPolicy | undefined> {
  const { rows } = await db.query<StoredPolicy>("select * from workflow_policies where project_id = $1", [projectId]);
  return rows[0];
}

/** A workflow and what its project allows, at the cost of the one: a trigger asks for both. */
export async function findUnderPolicy(
  db: Db,
  workflowId: string,
): Promise<{ workflow: StoredWorkflow; policy?: PolicyRules } | undefined> {
  if (!isUuid(workflowId)) return undefined;
  const { rows } = await db.query<Columns<StoredWorkflow> & { policy: string | null }>({
    name: "find_under_policy",
    text: `
      select workflows.*, to_json(workflow_policies) as policy
      from workflows left join workflow_policies using (project_id)
      where workflows.id = $1`,
    values: [workflowId],
  });
  if (!rows[0]) return undefined;
  const { policy, ...workflow } = rows[0];
  return {
    workflow: withoutNulls<StoredWorkflow>(workflow),
    ...(policy !== null && { policy: JSON.parse(policy) as PolicyRules }),
  };
}

/** In place of what the project has. The first one's id and time stay. */
export async function savePolicy(db: Db, policy: StoredPolicy): Promise<StoredPolicy> {
  const { id, project_id, max_fan_out, max_depth, forbidden_step_types, require_approval_for_deploy, updated_at } =
    policy;
  const { rows } = await db.query<StoredPolicy>(
    `insert into workflow_policies (
       id, project_id, max_fan_out, max_depth, forbidden_step_types, require_approval_for_deploy, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, epoch_ms($7), epoch_ms($7))
     on conflict (project_id) do update set
       (max_fan_out, max_depth, forbidden_step_types, require_approval_for_deploy, updated_at) =
       (excluded.max_fan_out, excluded.max_depth, excluded.forbidden_step_types, excluded.require_approval_for_deploy,
        excluded.updated_at)
     returning *`,
    [id, project_id, max_fan_out, max_depth, forbidden_step_types, require_approval_for_deploy, updated_at],
  );
  return rows[0] as StoredPolicy;
}
