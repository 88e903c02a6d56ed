import { stepsQuery, versionsQuery } from "../../contract/lists.ts";
import { pageAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { knownId } from "../validation.ts";
import {
  activeVersions,
  diffVersions,
  getVersion,
  listVersions,
  versionImpact,
  versionSteps,
} from "../../queries/workflow-versions.ts";

const idOf = (params: { workflowID: string }) => knownId(params.workflowID, "workflow not found");

const VERSIONS = "/v1/workflows/:workflowID/versions";

export const workflowVersionRoutes: Route[] = [
  route({
    method: "get",
    path: VERSIONS,
    scope: "workflows:read",
    query: versionsQuery,
    handler: async (deps, asked) => {
      const { limit, cursor: before } = asked.query;
      return pageAnswer(await listVersions(deps, asked.caller, idOf(asked.params), { before, limit }), asked);
    },
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:versionID`,
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({
      body: await getVersion(deps, caller, idOf(params), params.versionID),
    }),
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:versionID/steps`,
    scope: "workflows:read",
    query: stepsQuery,
    handler: async (deps, asked) => {
      const steps = await versionSteps(deps, asked.caller, idOf(asked.params), asked.params.versionID);
      const { cursor, limit = steps.length } = asked.query;
      const end = cursor + limit;
      return pageAnswer({ items: steps.slice(cursor, end), next: end < steps.length ? end : undefined }, asked);
    },
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:versionID/impact`,
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({
      body: await versionImpact(deps, caller, idOf(params), params.versionID),
    }),
  }),
  route({
    method: "get",
    path: `${VERSIONS}/:fromVersionID/diff/:toVersionID`,
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => {
      const between = { from: params.fromVersionID, to: params.toVersionID };
      return { body: await diffVersions(deps, caller, idOf(params), between) };
    },
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/active-versions",
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({ body: await activeVersions(deps, caller, idOf(params)) }),
  }),
];
