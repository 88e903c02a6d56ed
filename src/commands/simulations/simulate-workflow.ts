import { v7 as uuid } from "uuid";
import { played } from "./played.ts";
import { storedDocuments } from "./stored-documents.ts";
import { checkStored } from "../definitions/check-workflow.ts";
import { stepsToRun } from "../runs/trigger-run.ts";
import type { SimulateWorkflowBody, WorkflowSimulation } from "../../contract/simulation/simulations.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnWorkflow } from "../../queries/workflows.ts";
import { topologicalOrder } from "../../rules/definition-graph.ts";
import { givenOutcomes } from "../../simulation/given-outcome.ts";
import { Simulation } from "../../simulation/simulation.ts";
import { World } from "../../simulation/world.ts";
import { findJobs } from "../../store/jobs.ts";
import { findVersion, planSteps, type StoredVersion } from "../../store/workflow-versions.ts";
import type { StoredWorkflow } from "../../store/workflows.ts";
import { now } from "../../time/clock.ts";
import { presentSimulation } from "../../views/simulation.ts";
import { planOf, RULES, type RunHeader } from "../../../workflows/engine/plan.ts";
import { initialRun } from "../../../workflows/engine/run.ts";

/** How a run would go. What could not be stored today is refused, as it is by a plan; an older version is taken as it is. */
export async function simulateWorkflow(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  { payload, step_overrides, version_id, outcomes = {} }: SimulateWorkflowBody,
): Promise<WorkflowSimulation> {
  const { db } = deps;
  const workflow = await findOwnWorkflow(deps, caller, workflowId);
  const version = await findVersion(db, version_id ?? workflow.version_id);
  if (version?.workflow_id !== workflow.id) throw new Problem("not_found", "workflow version not found");
  if (version_id === undefined) await checkStored(deps, workflow, version.steps);
  const steps = stepsToRun(planSteps(version), step_overrides);
  const [documents, jobs] = await Promise.all([
    storedDocuments(
      db,
      steps.map((step) => step.payload),
    ),
    findJobs(
      db,
      steps.flatMap(({ job_id }) => job_id ?? []),
    ),
  ]);
  const world = new World(documents, jobs, givenOutcomes(outcomes, steps, documents));
  const header: RunHeader = {
    ...headerOf(workflow, version),
    created_by: caller.actor,
    payload: payload === undefined ? undefined : documents.keep(payload),
    step_overrides,
  };
  const simulation = await played(new Simulation(initialRun(planOf(header, steps)), world));
  return {
    workflow_id: workflow.id,
    version: version.version,
    version_id: version.version_id,
    predicted_order: topologicalOrder(steps),
    step_count: steps.length,
    ...presentSimulation(simulation),
  };
}

const headerOf = ({ id, project_id }: StoredWorkflow, version: StoredVersion): RunHeader => ({
  id: uuid(),
  workflow_id: id,
  workflow_name: version.name,
  project_id,
  workflow_version: version.version,
  workflow_version_id: version.version_id,
  triggered_by: "manual",
  created_at: now(),
  max_parallel_steps: version.max_parallel_steps,
  timeout_secs: version.timeout_secs,
  depth: 0,
  rules: RULES,
});
