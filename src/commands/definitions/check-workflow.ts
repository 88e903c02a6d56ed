import { checkedSteps } from "./definition-steps.ts";
import { assertNoneRemoved } from "./update-workflow.ts";
import { stepsToRun } from "../runs/trigger-run.ts";
import type { StepInput } from "../../contract/steps.ts";
import type { RunOrder, ValidSteps } from "../../contract/definitions/workflow-plans.ts";
import type { StepOverride } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnWorkflow } from "../../queries/workflows.ts";
import { rootsOf, topologicalOrder } from "../../rules/definition-graph.ts";
import { findVersion, type StoredStep } from "../../store/workflow-versions.ts";
import type { StoredWorkflow } from "../../store/workflows.ts";
import { presentDefinedSteps } from "../../views/workflow.ts";

/** Whether the workflow could be given these steps; without any, whether its own could be stored today, and run. What could not is refused. */
export async function checkSteps(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  steps: StepInput[],
): Promise<ValidSteps> {
  const workflow = await findOwnWorkflow(deps, caller, workflowId);
  const stored = await storedSteps(deps, workflow);
  if (steps.length === 0) {
    await checkStored(deps, workflow, stored);
    return { valid: true, step_count: stepsToRun(stored).length };
  }
  assertNoneRemoved(stored, steps);
  await checkedSteps(deps, workflow, steps);
  return { valid: true, step_count: steps.length };
}

/** In which order the steps of a run would begin. What could not be stored today is refused. */
export async function planRun(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  overrides: StepOverride[] | undefined,
): Promise<RunOrder> {
  const workflow = await findOwnWorkflow(deps, caller, workflowId);
  const stored = await storedSteps(deps, workflow);
  await checkStored(deps, workflow, stored);
  const steps = stepsToRun(stored, overrides);
  return {
    workflow_id: workflow.id,
    workflow_version: workflow.version,
    step_count: steps.length,
    roots: rootsOf(steps),
    topological_order: topologicalOrder(steps),
  };
}

const storedSteps = async ({ db }: Deps, { version_id }: StoredWorkflow): Promise<StoredStep[]> =>
  (await findVersion(db, version_id))?.steps ?? [];

/** Refuses steps that could not be stored today. */
export async function checkStored(deps: Deps, workflow: StoredWorkflow, steps: StoredStep[]): Promise<void> {
  const given = await presentDefinedSteps(deps, steps);
  // By ids alone: a slug may have been given another name since.
  await checkedSteps(
    deps,
    workflow,
    given.map(({ id, workflow_id, created_at, sub_workflow_version_id, job, workflow, ...step }) => step),
  );
}
