import {
  activeVersions,
  versionDiff,
  versionImpact,
  workflowVersion,
} from "../../contract/definitions/workflow-versions.ts";
import { listOf, partQuery, versionsQuery } from "../../contract/lists.ts";
import { workflowStep } from "../../contract/workflows.ts";
import { pageAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import {
  diffVersions,
  getActiveVersions,
  getVersion,
  getVersionImpact,
  listVersions,
  versionSteps,
} from "../../queries/workflow-versions.ts";

const tag = "Workflow versions";
const VERSIONS = "/v1/workflows/:workflowID/versions";

export const workflowVersionRoutes: Route[] = [
  route({
    method: "get",
    path: VERSIONS,
    operationId: "listWorkflowVersions",
    tag,
    summary: "List the versions of a workflow",
    description: "The newest first.",
    scope: "workflows:read",
    query: versionsQuery,
    returns: { 200: listOf(workflowVersion) },
    handler: async (deps, asked) => {
      const { limit, cursor: before } = asked.query;
      return pageAnswer(await listVersions(deps, asked.caller, asked.params.workflowID, { before, limit }), asked);
    },
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:versionID`,
    operationId: "getWorkflowVersion",
    tag,
    summary: "Get a version of a workflow",
    scope: "workflows:read",
    returns: { 200: workflowVersion },
    handler: async (deps, { caller, params }) => ({
      body: await getVersion(deps, caller, params.workflowID, params.versionID),
    }),
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:versionID/steps`,
    operationId: "listWorkflowVersionSteps",
    tag,
    summary: "List the steps of a version",
    scope: "workflows:read",
    query: partQuery,
    returns: { 200: listOf(workflowStep) },
    handler: async (deps, asked) => {
      const { workflowID, versionID } = asked.params;
      return pageAnswer(await versionSteps(deps, asked.caller, workflowID, versionID, asked.query), asked);
    },
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:versionID/impact`,
    operationId: "getWorkflowVersionImpact",
    tag,
    summary: "How many of a workflow's latest runs are of a version",
    scope: "workflows:read",
    returns: { 200: versionImpact },
    handler: async (deps, { caller, params }) => ({
      body: await getVersionImpact(deps, caller, params.workflowID, params.versionID),
    }),
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:fromVersionID/diff/:toVersionID`,
    operationId: "getWorkflowVersionDiff",
    tag,
    summary: "What makes one version another one",
    scope: "workflows:read",
    returns: { 200: versionDiff },
    handler: async (deps, { caller, params }) => {
      const between = { from: params.fromVersionID, to: params.toVersionID };
      return { body: await diffVersions(deps, caller, params.workflowID, between) };
    },
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/active-versions",
    operationId: "listActiveWorkflowVersions",
    tag,
    summary: "The versions that have open runs",
    scope: "workflows:read",
    returns: { 200: activeVersions },
    handler: async (deps, { caller, params }) => ({ body: await getActiveVersions(deps, caller, params.workflowID) }),
  }),
];
