import { previewPolicy, setPolicy } from "../../commands/definitions/set-policy.ts";
import {
  workflowPolicy,
  workflowPolicyBody,
  workflowPolicyPlan,
} from "../../contract/definitions/workflow-policies.ts";
import { type Route, route } from "../route.ts";
import { getPolicy } from "../../queries/workflow-policies.ts";

const tag = "Workflow policies";
const PATH = "/v1/workflow-policies/:projectID";

export const workflowPolicyRoutes: Route[] = [
  route({
    method: "get",
    path: PATH,
    operationId: "getWorkflowPolicy",
    tag,
    summary: "Get the policy of a project",
    scope: "workflows:read",
    returns: { 200: workflowPolicy },
    handler: async (deps, { caller, params }) => ({ body: await getPolicy(deps, caller, params.projectID) }),
  }),
  route({
    method: "put",
    path: PATH,
    operationId: "upsertWorkflowPolicy",
    tag,
    summary: "Set the policy of a project",
    description: "The whole of it: a rule that is left out is off.",
    scope: "workflows:write",
    ignoresKey: true,
    body: workflowPolicyBody,
    returns: { 200: workflowPolicy },
    plans: workflowPolicyPlan,
    plan: async (_deps, { caller, params, body }) => previewPolicy(caller, params.projectID, body),
    handler: async (deps, { caller, params, body }) => ({
      body: await setPolicy(deps, caller, params.projectID, body),
    }),
  }),
];
