import { copyNames } from "./copy-names.ts";
import { type Draft, makeWorkflow, previewWorkflow } from "./create-workflow.ts";
import type { StepInput } from "../../contract/steps.ts";
import type { CloneWorkflowBody } from "../../contract/definitions/update-workflow.ts";
import type { Workflow, WorkflowPlan, WorkflowStep } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnWorkflow } from "../../queries/workflows.ts";
import { stepsOfVersion } from "../../store/workflow-versions.ts";
import { presentDefinedSteps } from "../../views/workflow.ts";

/** A new workflow, of its first version, that says what this one says now. */
export async function cloneWorkflow(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: CloneWorkflowBody,
  idempotencyKey?: string,
): Promise<Workflow> {
  const draft = await cloned(deps, caller, workflowId, body);
  // By what was asked for: the workflow itself may have been changed since.
  const asked = { operation: "clone workflow", body: { ...body, workflow_id: workflowId }, idempotencyKey };
  return makeWorkflow(deps, caller, draft, asked);
}

/** What would be stored. */
export const previewClone = async (
  deps: Deps,
  caller: Caller,
  workflowId: string,
  body: CloneWorkflowBody,
): Promise<WorkflowPlan> => previewWorkflow(deps, caller, await cloned(deps, caller, workflowId, body));

async function cloned(deps: Deps, caller: Caller, workflowId: string, body: CloneWorkflowBody): Promise<Draft> {
  const workflow = await findOwnWorkflow(deps, caller, workflowId);
  const steps = await stepsOfVersion(deps.db, workflow.version_id);
  const { id, version: _, version_id, created_by, updated_by, created_at, updated_at, ...settings } = workflow;
  const { name, slug } = { ...copyNames(workflow), ...body };
  return {
    ...settings,
    project_id: body.project_id ?? workflow.project_id,
    name,
    slug,
    steps: (await presentDefinedSteps(deps, steps)).map(givenAgain),
  };
}

/** What was named by its slug is looked for again: in another project it is another one. */
function givenAgain(step: WorkflowStep): StepInput {
  const { id, workflow_id, created_at, sub_workflow_version_id, job_id, sub_workflow_id, ...input } = step;
  return {
    ...input,
    ...(input.job === undefined && job_id !== undefined && { job_id }),
    ...(input.workflow === undefined && sub_workflow_id !== undefined && { sub_workflow_id }),
  };
}
