import { decision, decisionsQuery, runGraph, runLabels, runTimeline } from "../../contract/inspection.ts";
import { envelopeOf } from "../../contract/lists.ts";
import { envelopeAnswer } from "../answer.ts";
import { explainRun } from "../../queries/inspection/explain.ts";
import { getRunGraph } from "../../queries/inspection/run-graph.ts";
import { getRunTimeline } from "../../queries/inspection/run-timeline.ts";
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
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/graph",
    operationId: "getWorkflowRunGraph",
    tag,
    summary: "Get the graph of a run, with its critical path",
    scope: "workflows:read",
    returns: { 200: runGraph },
    handler: async (deps, { caller, params }) => ({ body: await getRunGraph(deps, caller, params.workflowRunID) }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/timeline",
    operationId: "getWorkflowRunTimeline",
    tag,
    summary: "Get when each step of a run began and ended",
    scope: "workflows:read",
    returns: { 200: runTimeline },
    handler: async (deps, { caller, params }) => ({ body: await getRunTimeline(deps, caller, params.workflowRunID) }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/explain",
    operationId: "explainWorkflowRun",
    tag,
    summary: "Get why steps wait, or ended without their own work",
    scope: "workflows:read",
    query: decisionsQuery,
    returns: { 200: envelopeOf(decision) },
    handler: async (deps, { caller, params, query, url }) =>
      envelopeAnswer(await explainRun(deps, caller, params.workflowRunID, query), url),
  }),
];
