import { cloneWorkflow, previewClone } from "../../commands/definitions/clone-workflow.ts";
import { deleteWorkflow, previewDeletion } from "../../commands/definitions/delete-workflow.ts";
import { previewUpdate, updateWorkflow } from "../../commands/definitions/update-workflow.ts";
import { createWorkflow, previewWorkflow } from "../../commands/definitions/create-workflow.ts";
import { previewTrigger, triggerRun } from "../../commands/runs/trigger-run.ts";
import { createWorkflowBody } from "../../contract/create-workflow.ts";
import { pageQuery, taggedQuery } from "../../contract/lists.ts";
import { triggerBody } from "../../contract/trigger.ts";
import { cloneWorkflowBody, updateWorkflowBody } from "../../contract/definitions/update-workflow.ts";
import { IGNORED, ofOtherTypes, sent } from "../../contract/without-effect.ts";
import { pageAnswer } from "../answer.ts";
import { stepsBytes } from "../body.ts";
import { type Route, route } from "../route.ts";
import { knownId } from "../validation.ts";
import { projectOf } from "../../identity/caller.ts";
import { listRuns } from "../../queries/runs.ts";
import { findOwnWorkflow, getWorkflow, listWorkflows } from "../../queries/workflows.ts";

const idOf = (params: { workflowID: string }) => knownId(params.workflowID, "workflow not found");

export const workflowRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/workflows",
    scope: "workflows:write",
    body: createWorkflowBody,
    ignores: (given, { steps }) => [...sent(IGNORED.workflow)(given), ...ofOtherTypes(steps)],
    maxBytes: stepsBytes,
    plan: (deps, { caller, body }) => previewWorkflow(deps, caller, body),
    handler: async (deps, { caller, body }) => ({ status: 201, body: await createWorkflow(deps, caller, body) }),
  }),
  route({
    method: "get",
    path: "/v1/workflows",
    scope: "workflows:read",
    query: taggedQuery,
    handler: async (deps, asked) => {
      const page = await listWorkflows(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID",
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({ body: await getWorkflow(deps, caller, idOf(params)) }),
  }),
  route({
    method: "patch",
    path: "/v1/workflows/:workflowID",
    scope: "workflows:write",
    body: updateWorkflowBody,
    ignores: (given, { steps = [] }) => [...sent(IGNORED.workflow)(given), ...ofOtherTypes(steps)],
    maxBytes: stepsBytes,
    plan: (deps, { caller, params, body }) => previewUpdate(deps, caller, idOf(params), body),
    handler: async (deps, { caller, params, body }) => ({
      body: await updateWorkflow(deps, caller, idOf(params), body),
    }),
  }),
  route({
    method: "delete",
    path: "/v1/workflows/:workflowID",
    scope: "workflows:write",
    plan: (deps, { caller, params }) => previewDeletion(deps, caller, idOf(params)),
    handler: async (deps, { caller, params }) => {
      await deleteWorkflow(deps, caller, idOf(params));
      return { status: 204, body: undefined };
    },
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/clone",
    scope: "workflows:write",
    body: cloneWorkflowBody,
    plan: (deps, { caller, params, body }) => previewClone(deps, caller, idOf(params), body),
    handler: async (deps, { caller, params, body }) => ({
      status: 201,
      body: await cloneWorkflow(deps, caller, idOf(params), body),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/trigger",
    scope: "workflows:trigger",
    body: triggerBody,
    ignores: sent(IGNORED.trigger),
    plan: (deps, { caller, params, body }) => previewTrigger(deps, caller, idOf(params), body),
    handler: async (deps, { caller, params, body, idempotencyKey }) => {
      const run = await triggerRun(deps, caller, idOf(params), body, idempotencyKey ?? body.idempotency_key);
      return { status: 202, headers: { Location: `/v1/workflow-runs/${run.id}` }, body: run };
    },
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/runs",
    scope: "workflows:read",
    query: pageQuery,
    handler: async (deps, asked) => {
      const workflow = await findOwnWorkflow(deps, asked.caller, idOf(asked.params));
      const page = await listRuns(deps, workflow.project_id, { ...asked.query, workflow_id: workflow.id });
      return pageAnswer(page, asked);
    },
  }),
];
