import type { WorkflowGraph } from "../contract/definitions/workflow-plans.ts";
import type { Deps } from "../deps.ts";
import type { Caller } from "../identity/caller.ts";
import { findOwnWorkflow } from "./workflows.ts";
import { dependentsOf, dotOf, rootsOf } from "../rules/definition-graph.ts";
import { stepsOfVersion } from "../store/workflow-versions.ts";

/** What depends on what in a workflow as it is now. */
export async function getWorkflowGraph(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  format: "json" | "dot",
): Promise<WorkflowGraph> {
  const workflow = await findOwnWorkflow(deps, caller, workflowId);
  const steps = await stepsOfVersion(deps.db, workflow.version_id);
  const graph = { workflow_id: workflow.id, roots: rootsOf(steps) };
  return format === "dot"
    ? { ...graph, dot: dotOf(steps) }
    : { ...graph, adjacency: Object.fromEntries(dependentsOf(steps)) };
}
