import { runLabels } from "../../contract/inspection.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { type Route, route } from "../route.ts";

const tag = "Workflow runs";

/** Looks into one run. */
export const inspectionRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/labels",
    operationId: "listWorkflowRunLabels",
    tag,
    summary: "Get the labels of a run",
    scope: "workflows:read",
    returns: { 200: runLabels },
    handler: async (deps, { caller, params }) => {
      const { labels = {} } = await findOwnRun(deps, caller, params.workflowRunID);
      return { body: { labels } };
    },
  }),
];
