import { checkSteps, planRun } from "../../commands/definitions/check-workflow.ts";
import { graphQuery } from "../../contract/lists.ts";
import { planBody } from "../../contract/trigger.ts";
import { checkStepsBody } from "../../contract/definitions/update-workflow.ts";
import { ofOtherTypes } from "../../contract/without-effect.ts";
import { stepsBytes } from "../body.ts";
import { type Route, route } from "../route.ts";
import { knownId } from "../validation.ts";
import { workflowGraph } from "../../queries/workflow-graph.ts";

const idOf = (params: { workflowID: string }) => knownId(params.workflowID, "workflow not found");

/** What a workflow looks like, and what would become of a change or a run of it: nothing is changed by asking. */
export const workflowPlanRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/graph",
    scope: "workflows:read",
    query: graphQuery,
    handler: async (deps, { caller, params, query }) => ({
      body: await workflowGraph(deps, caller, idOf(params), query.format),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/dry-run",
    onlyReads: true,
    scope: "workflows:read",
    body: checkStepsBody,
    ignores: (_, { steps }) => ofOtherTypes(steps),
    maxBytes: stepsBytes,
    handler: async (deps, { caller, params, body }) => ({
      body: await checkSteps(deps, caller, idOf(params), body.steps),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/plan",
    onlyReads: true,
    scope: "workflows:read",
    body: planBody,
    handler: async (deps, { caller, params, body }) => ({
      body: await planRun(deps, caller, idOf(params), body.step_overrides),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/simulate",
    onlyReads: true,
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => {
      const { workflow_id, workflow_version, step_count, topological_order } = await planRun(
        deps,
        caller,
        idOf(params),
        undefined,
      );
      return { body: { workflow_id, version: workflow_version, predicted_order: topological_order, step_count } };
    },
  }),
];
