import { createWorkflow, previewWorkflow } from "../../commands/definitions/create-workflow.ts";
import { previewTrigger, triggerRun } from "../../commands/runs/trigger-run.ts";
import { createWorkflowBody } from "../../contract/create-workflow.ts";
import { listOf, pageQuery, taggedQuery } from "../../contract/lists.ts";
import { triggerPlan, workflowRun } from "../../contract/runs.ts";
import { triggerBody } from "../../contract/trigger.ts";
import { IGNORED, ofOtherTypes, sent } from "../../contract/without-effect.ts";
import { workflow, workflowPlan } from "../../contract/workflows.ts";
import { pageOf } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { listRuns } from "../../queries/runs.ts";
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
    ignores: (given, { steps }) => [...sent(IGNORED.workflow)(given), ...ofOtherTypes(steps)],
    // 1 KiB a step, and so 1 MiB, as any body may have, for the usual 1,000.
    maxBytes: ({ maxSteps }) => Math.max(1_024, maxSteps) * 1_024,
    returns: { 201: workflow },
    plans: workflowPlan,
    plan: (deps, { caller, body }) => previewWorkflow(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) => {
      const created = await createWorkflow(deps, caller, body, idempotencyKey);
      return { headers: { Location: `/v1/workflows/${created.id}` }, body: created };
    },
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
      const { items, next } = await listWorkflows(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageOf(items, next, asked);
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
    handler: async (deps, { caller, params, body, idempotencyKey }) => {
      const run = await triggerRun(deps, caller, params.workflowID, body, idempotencyKey ?? body.idempotency_key);
      return { headers: { Location: `/v1/workflow-runs/${run.id}` }, body: run };
    },
  }),
  route({
    method: "get",
    path: "/v1/workflows/:workflowID/runs",
    operationId: "listWorkflowRunsByWorkflowId",
    tag,
    summary: "List the runs of a workflow",
    scope: "workflows:read",
    query: pageQuery,
    returns: { 200: listOf(workflowRun) },
    handler: async (deps, asked) => {
      const workflow = await findOwnWorkflow(deps, asked.caller, asked.params.workflowID);
      const { limit, cursor } = asked.query;
      const { items, next } = await listRuns(deps, workflow.project_id, { workflowId: workflow.id, limit, cursor });
      return pageOf(items, next, asked);
    },
  }),
];
