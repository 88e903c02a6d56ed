import { bulkCancel, previewBulkCancel } from "../../commands/bulk/bulk-cancel.ts";
import { bulkReplay, previewBulkReplay } from "../../commands/bulk/bulk-replay.ts";
import { runCommand } from "../../commands/runs/run-command.ts";
import { getRun } from "../../commands/runs/get-run.ts";
import { cancelRun, previewCancel } from "../../commands/runs/cancel-run.ts";
import { previewRetry, retryRun } from "../../commands/runs/retry-run.ts";
import { simulateRun } from "../../commands/simulations/simulate-run.ts";
import { runSimulation, simulateRunBody } from "../../contract/simulation/simulations.ts";
import { bulkBody, bulkCanceled, bulkCancelPlan, bulkReplayed, bulkReplayPlan } from "../../contract/bulk/verbs.ts";
import { commandStatus } from "../../contract/answers/commands.ts";
import { partQuery, countsQuery, listOf, partOf, runQuery, runsQuery, stepsQuery } from "../../contract/lists.ts";
import { attempt, dryRun, runCounts, stepRun, workflowRun } from "../../contract/runs.ts";
import { reasonQuery, retryBody } from "../../contract/verbs.ts";
import { answerTo, commanded, created, pageAnswer, partAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { steeringRoutes } from "./steering.ts";
import { projectOf } from "../../identity/caller.ts";
import { listStepAttempts } from "../../queries/attempts.ts";
import { countRuns, listRuns } from "../../queries/run-lists.ts";
import { findOwnRun, listSteps } from "../../queries/runs.ts";

const tag = "Workflow runs";

export const workflowRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/workflow-runs",
    operationId: "listWorkflowRuns",
    tag,
    summary: "List runs",
    scope: "workflows:read",
    query: runsQuery,
    returns: { 200: listOf(workflowRun) },
    handler: async (deps, asked) => {
      const page = await listRuns(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/counts",
    operationId: "countWorkflowRuns",
    tag,
    summary: "Count runs by status and by workflow",
    description:
      "With the filters of the list. At most 10,000 are counted of each status: `capped` says of which there may be more.",
    scope: "workflows:read",
    query: countsQuery,
    returns: { 200: runCounts },
    handler: async (deps, { caller, query }) => ({
      body: await countRuns(deps, projectOf(caller, query.project_id), query),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/bulk-cancel",
    operationId: "bulkCancelWorkflowRuns",
    tag,
    summary: "Cancel up to 100 runs",
    isBulk: true,
    scope: "workflows:write",
    body: bulkBody,
    returns: { 200: bulkCanceled },
    plans: bulkCancelPlan,
    plan: (deps, { caller, body }) => previewBulkCancel(deps, caller, body.workflow_run_ids),
    handler: async (deps, { caller, body, idempotencyKey }) => ({
      body: await bulkCancel(deps, caller, body.workflow_run_ids, idempotencyKey),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/bulk-replay",
    operationId: "bulkReplayWorkflowRuns",
    tag,
    summary: "Retry up to 100 runs",
    isBulk: true,
    scope: "workflows:write",
    body: bulkBody,
    returns: { 200: bulkReplayed },
    plans: bulkReplayPlan,
    plan: (deps, { caller, body }) => previewBulkReplay(deps, caller, body.workflow_run_ids),
    handler: async (deps, { caller, body, idempotencyKey }) => ({
      body: await bulkReplay(deps, caller, body.workflow_run_ids, idempotencyKey),
    }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID",
    operationId: "getWorkflowRun",
    tag,
    summary: "Get a run",
    scope: "workflows:read",
    query: runQuery,
    returns: { 200: workflowRun },
    handler: async (deps, { caller, params, query }) => ({
      body: await getRun(deps, caller, params.workflowRunID, query.wait_secs),
    }),
  }),
  route({
    method: "delete",
    path: "/v1/workflow-runs/:workflowRunID",
    operationId: "deleteWorkflowRun",
    tag,
    summary: "Cancel a run",
    scope: "workflows:write",
    query: reasonQuery,
    returns: commanded(workflowRun),
    plans: dryRun,
    plan: (deps, { caller, params }) => previewCancel(deps, caller, params.workflowRunID),
    handler: async (deps, { caller, params, query, idempotencyKey }) => {
      const { reason } = query;
      return answerTo(
        await cancelRun(deps, caller, params.workflowRunID, { reason, idempotencyKey }),
        ({ run }) => run,
      );
    },
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps",
    operationId: "listWorkflowRunSteps",
    tag: "Steps",
    summary: "List the steps of a run",
    scope: "workflows:read",
    query: stepsQuery,
    returns: { 200: partOf(stepRun) },
    handler: async (deps, asked) => {
      const steps = await listSteps(deps, asked.caller, asked.params.workflowRunID, asked.query);
      return partAnswer(steps, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/attempts",
    operationId: "listWorkflowRunStepAttempts",
    tag: "Steps",
    summary: "List the attempts of a step",
    scope: "workflows:read",
    query: partQuery,
    returns: { 200: partOf(attempt) },
    handler: async (deps, asked) => {
      const { caller, params, query } = asked;
      const attempts = await listStepAttempts(deps, caller, params.workflowRunID, params.stepRef, query);
      return partAnswer(attempts, asked);
    },
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/retry",
    operationId: "retryWorkflowRun",
    tag,
    summary: "Start a new run that keeps the outputs of the completed steps",
    scope: "workflows:trigger",
    body: retryBody,
    returns: { 201: workflowRun },
    plans: dryRun,
    plan: async (deps, { caller, params, body }) =>
      previewRetry(deps, caller, await findOwnRun(deps, caller, params.workflowRunID), body),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      created("/v1/workflow-runs", await retryRun(deps, caller, params.workflowRunID, body, idempotencyKey)),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/simulate",
    operationId: "simulateWorkflowRun",
    tag,
    summary: "How a closed run would have gone",
    description:
      "By the rules of every run, with the outcomes that its steps had, or others where they are given. Nothing is changed.",
    onlyReads: true,
    scope: "workflows:read",
    body: simulateRunBody,
    returns: { 200: runSimulation },
    handler: async (deps, { caller, params, body }) => ({
      body: await simulateRun(deps, caller, params.workflowRunID, body),
    }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/commands/:commandID",
    operationId: "getWorkflowRunCommand",
    tag,
    summary: "What became of a command to a run",
    scope: "workflows:read",
    returns: { 200: commandStatus },
    handler: async (deps, { caller, params }) => ({
      body: await runCommand(deps, caller, params.workflowRunID, params.commandID),
    }),
  }),
  ...steeringRoutes,
];
