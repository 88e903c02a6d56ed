import type { Cursor } from "../contract/cursor.ts";
import type { Workflow } from "../contract/workflows.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import {
  findVersion,
  findWorkflow,
  listWorkflows as listWorkflowRows,
  type StoredWorkflow,
} from "../store/workflows.ts";
import { presentDefinedSteps, presentWorkflow } from "../views/workflow.ts";

const NOT_FOUND = "workflow not found";

export interface DefinitionFilter {
  tag_key?: string;
  tag_value?: string;
  cursor?: Cursor;
  limit: number;
}

/** Another project's workflow is not found. */
export async function findOwnWorkflow({ db }: Deps, caller: Caller, id: string): Promise<StoredWorkflow> {
  const workflow = await findWorkflow(db, id);
  if (!workflow) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, workflow.project_id, NOT_FOUND);
  return workflow;
}

export async function getWorkflow(deps: Deps, caller: Caller, id: string): Promise<Workflow> {
  const workflow = await findOwnWorkflow(deps, caller, id);
  const version = await findVersion(deps.db, workflow.version_id);
  return { ...presentWorkflow(workflow), steps: await presentDefinedSteps(deps, version?.steps ?? []) };
}

export async function listWorkflows(
  { db }: Deps,
  projectId: string,
  filter: DefinitionFilter,
): Promise<{ items: Workflow[]; next?: Cursor }> {
  const { tag_key: tagKey, tag_value: tagValue, cursor, limit } = filter;
  const rows = await listWorkflowRows(db, { projectId, tagKey, tagValue, cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(presentWorkflow),
    next: rows.length > limit && last ? { at: last.created_at, id: last.id } : undefined,
  };
}
