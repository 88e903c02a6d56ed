import type { Workflow } from "../contract/workflows.ts";
import type { Deps } from "../deps.ts";
import { type Caller, own } from "../identity/caller.ts";
import { cursorOf, type Page, pageOf } from "./page.ts";
import type { ListRequest } from "../store/postgres/list-request.ts";
import { stepsOfVersion } from "../store/workflow-versions.ts";
import { findWorkflow, listWorkflows as listRows, type StoredWorkflow } from "../store/workflows.ts";
import { presentDefinedSteps, presentWorkflow } from "../views/workflow.ts";

const NOT_FOUND = "workflow not found";

/** What a list of a project's definitions can be asked for. */
export type DefinitionFilter = Omit<ListRequest, "project_id">;

/** Another project's workflow is not found. */
export const findOwnWorkflow = async ({ db }: Deps, caller: Caller, id: string): Promise<StoredWorkflow> =>
  own(caller, await findWorkflow(db, id), NOT_FOUND);

export async function getWorkflow(deps: Deps, caller: Caller, id: string): Promise<Workflow> {
  const workflow = await findOwnWorkflow(deps, caller, id);
  const steps = await stepsOfVersion(deps.db, workflow.version_id);
  return { ...presentWorkflow(workflow), steps: await presentDefinedSteps(deps, steps) };
}

export const listWorkflows = ({ db }: Deps, project_id: string, filter: DefinitionFilter): Promise<Page<Workflow>> =>
  pageOf(filter.limit, (limit) => listRows(db, { ...filter, project_id, limit }), presentWorkflow, cursorOf);
