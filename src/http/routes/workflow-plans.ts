import { checkSteps, planRun } from "../../commands/definitions/check-workflow.ts";
import { simulateWorkflow } from "../../commands/simulations/simulate-workflow.ts";
import { checkStepsBody } from "../../contract/definitions/update-workflow.ts";
import { runOrder, validSteps, workflowGraph } from "../../contract/definitions/workflow-plans.ts";
import { simulateWorkflowBody, workflowSimulation } from "../../contract/simulation/simulations.ts";
import { graphQuery } from "../../contract/lists.ts";
import { planBody } from "../../contract/trigger.ts";
import { withoutEffectIn } from "../../contract/without-effect.ts";
import { stepsBytes } from "../body.ts";
import { type Route, route } from "../route.ts";
import { getWorkflowGraph } from "../../queries/workflow-graph.ts";

const tag = "Workflows";

/** What a workflow looks like, and what would become of a change or a run of it: nothing is changed by asking. */
export const workflowPlanRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/graph",
    operationId: "getWorkflowGraph",
    tag,
    summary: "Which steps depend on which",
    scope: "workflows:read",
    query: graphQuery,
    returns: { 200: workflowGraph },
    handler: async (deps, { caller, params, query }) => ({
      body: await getWorkflowGraph(deps, caller, params.workflowID, query.format),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/dry-run",
    operationId: "dryRunWorkflow",
    tag,
    summary: "Whether a workflow could be given these steps",
    description: "Without steps, whether its own could be stored today. Nothing is changed.",
    onlyReads: true,
    scope: "workflows:read",
    body: checkStepsBody,
    ignores: (_, { steps }) => withoutEffectIn(steps),
    maxBytes: stepsBytes,
    returns: { 200: validSteps },
    handler: async (deps, { caller, params, body }) => ({
      body: await checkSteps(deps, caller, params.workflowID, body.steps),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/plan",
    operationId: "planWorkflow",
    tag,
    summary: "In which order the steps of a run would begin",
    description: "Nothing is changed.",
    onlyReads: true,
    scope: "workflows:read",
    body: planBody,
    returns: { 200: runOrder },
    handler: async (deps, { caller, params, body }) => ({
      body: await planRun(deps, caller, params.workflowID, body.step_overrides),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/simulate",
    operationId: "simulateWorkflow",
    tag,
    summary: "How a run would go",
    description:
      "By the rules of every run, on a clock of its own, with outcomes as they are given. Nothing is changed.",
    onlyReads: true,
    scope: "workflows:read",
    body: simulateWorkflowBody,
    returns: { 200: workflowSimulation },
    handler: async (deps, { caller, params, body }) => ({
      body: await simulateWorkflow(deps, caller, params.workflowID, body),
    }),
  }),
];
