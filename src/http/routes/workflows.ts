import { z } from "zod";
import { cloneWorkflow, previewClone } from "../../commands/definitions/clone-workflow.ts";
import { deleteWorkflow, previewDeletion } from "../../commands/definitions/delete-workflow.ts";
import { previewUpdate, updateWorkflow } from "../../commands/definitions/update-workflow.ts";
import { createWorkflow, previewWorkflow } from "../../commands/definitions/create-workflow.ts";
import { previewTrigger, triggerRun } from "../../commands/runs/trigger-run.ts";
import { createWorkflowBody } from "../../contract/create-workflow.ts";
import { listOf, taggedQuery, workflowRunsQuery } from "../../contract/lists.ts";
import { triggerPlan, workflowRun } from "../../contract/runs.ts";
import { triggerBody } from "../../contract/trigger.ts";
import { cloneWorkflowBody, updateWorkflowBody } from "../../contract/definitions/update-workflow.ts";
import { changedWorkflow, deletionPlan, workflow, workflowPlan } from "../../contract/workflows.ts";
import { IGNORED, withoutEffectIn, sent } from "../../contract/without-effect.ts";
import { created, pageAnswer } from "../answer.ts";
import { stepsBytes } from "../body.ts";
import { type Route, route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { listOwnRuns } from "../../queries/run-lists.ts";
import { findOwnWorkflow, getWorkflow, listWorkflows } from "../../queries/workflows.ts";

const tag = "Workflows";

export const workflowRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/workflows",
    operationId: "createWorkflow",
    tag,
    summary: "Create a workflow",
    scope: "workflows:write",
    body: createWorkflowBody,
    ignores: (given, { steps }) => [...sent(IGNORED.workflow)(given), ...withoutEffectIn(steps)],
    maxBytes: stepsBytes,
    returns: { 201: workflow },
    plans: workflowPlan,
    plan: (deps, { caller, body }) => previewWorkflow(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) =>
      created("/v1/workflows", await createWorkflow(deps, caller, body, idempotencyKey)),
  }),
  route({
    method: "get",
    path: "/v1/workflows",
    operationId: "listWorkflows",
    tag,
    summary: "List workflows",
    scope: "workflows:read",
    query: taggedQuery,
    returns: { 200: listOf(workflow) },
    handler: async (deps, asked) => {
      const page = await listWorkflows(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID",
    operationId: "getWorkflow",
    tag,
    summary: "Get a workflow with its steps",
    scope: "workflows:read",
    returns: { 200: workflow },
    handler: async (deps, { caller, params }) => ({ body: await getWorkflow(deps, caller, params.workflowID) }),
  }),
  route({
    method: "patch",
    path: "/v1/workflows/:workflowID",
    operationId: "updateWorkflow",
    tag,
    summary: "Change a workflow",
    description: "Makes its next version. Runs that exist keep theirs.",
    scope: "workflows:write",
    ignoresKey: true,
    body: updateWorkflowBody,
    ignores: (given, { steps = [] }) => [...sent(IGNORED.workflow)(given), ...withoutEffectIn(steps)],
    maxBytes: stepsBytes,
    returns: { 200: changedWorkflow },
    plans: workflowPlan,
    plan: (deps, { caller, params, body }) => previewUpdate(deps, caller, params.workflowID, body),
    handler: async (deps, { caller, params, body }) => ({
      body: await updateWorkflow(deps, caller, params.workflowID, body),
    }),
  }),
  route({
    method: "delete",
    path: "/v1/workflows/:workflowID",
    operationId: "deleteWorkflow",
    tag,
    summary: "Delete a workflow",
    description: "Its runs and its versions stay.",
    scope: "workflows:write",
    ignoresKey: true,
    returns: { 204: z.undefined() },
    plans: deletionPlan,
    plan: (deps, { caller, params }) => previewDeletion(deps, caller, params.workflowID),
    handler: async (deps, { caller, params }) => {
      await deleteWorkflow(deps, caller, params.workflowID);
      return { body: undefined };
    },
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/clone",
    operationId: "cloneWorkflow",
    tag,
    summary: "Copy a workflow",
    scope: "workflows:write",
    body: cloneWorkflowBody,
    returns: { 201: workflow },
    plans: workflowPlan,
    plan: (deps, { caller, params, body }) => previewClone(deps, caller, params.workflowID, body),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      created("/v1/workflows", await cloneWorkflow(deps, caller, params.workflowID, body, idempotencyKey)),
  }),
  route({
    method: "post",
    path: "/v1/workflows/:workflowID/trigger",
    operationId: "triggerWorkflow",
    tag,
    summary: "Start a run",
    scope: "workflows:trigger",
    body: triggerBody,
    ignores: sent(IGNORED.trigger),
    returns: { 202: workflowRun },
    plans: triggerPlan,
    plan: (deps, { caller, params, body }) => previewTrigger(deps, caller, params.workflowID, body),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      created("/v1/workflow-runs", await triggerRun(deps, caller, params.workflowID, body, idempotencyKey)),
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/runs",
    operationId: "listWorkflowRunsByWorkflowId",
    tag,
    summary: "List the runs of a workflow",
    scope: "workflows:read",
    query: workflowRunsQuery,
    returns: { 200: listOf(workflowRun) },
    handler: async (deps, asked) => {
      const workflow = await findOwnWorkflow(deps, asked.caller, asked.params.workflowID);
      const page = await listOwnRuns(deps, workflow.project_id, { ...asked.query, workflow_id: workflow.id });
      return pageAnswer(page, asked);
    },
  }),
];
