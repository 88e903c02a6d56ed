import { previewPolicy, setPolicy } from "../../commands/definitions/set-policy.ts";
import { workflowPolicyBody } from "../../contract/definitions/workflow-policies.ts";
import { type Route, route } from "../route.ts";
import { getPolicy } from "../../queries/workflow-policies.ts";

const PATH = "/v1/workflow-policies/:projectID";

export const workflowPolicyRoutes: Route[] = [
  route({
    method: "get",
    path: PATH,
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({ body: await getPolicy(deps, caller, params.projectID) }),
  }),
  route({
    method: "put",
    path: PATH,
    scope: "workflows:write",
    body: workflowPolicyBody,
    plan: async (_deps, { caller, params, body }) => previewPolicy(caller, params.projectID, body),
    handler: async (deps, { caller, params, body }) => ({
      body: await setPolicy(deps, caller, params.projectID, body),
    }),
  }),
];
