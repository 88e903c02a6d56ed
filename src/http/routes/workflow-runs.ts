import { bulkCancel, previewBulkCancel } from "../../commands/bulk/bulk-cancel.ts";
import { bulkReplay, previewBulkReplay } from "../../commands/bulk/bulk-replay.ts";
import { runCommand } from "../../commands/runs/run-command.ts";
import { noticeEnd } from "../../commands/runs/notice-end.ts";
import { cancelRun, previewCancel } from "../../commands/runs/cancel-run.ts";
import { previewRetry, retryRun } from "../../commands/runs/retry-run.ts";
import { runQuery, runsQuery, stepsQuery } from "../../contract/lists.ts";
import { bulkBody, retryRunBody } from "../../contract/verbs.ts";
import { answerTo, pageAnswer, partAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { commandIdOf } from "../validation.ts";
import { runIdOf, steeringRoutes } from "./steering.ts";
import { projectOf } from "../../identity/caller.ts";
import { listStepAttempts } from "../../queries/attempts.ts";
import { findOwnRun, getRun, listRuns, listSteps } from "../../queries/runs.ts";

export const workflowRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/workflow-runs",
    scope: "workflows:read",
    query: runsQuery,
    handler: async (deps, asked) => {
      const page = await listRuns(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/bulk-cancel",
    isBulk: true,
    scope: "workflows:write",
    body: bulkBody,
    plan: (deps, { caller, body }) => previewBulkCancel(deps, caller, body.workflow_run_ids),
    handler: async (deps, { caller, body, idempotencyKey }) => ({
      body: await bulkCancel(deps, caller, body.workflow_run_ids, idempotencyKey),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/bulk-replay",
    isBulk: true,
    scope: "workflows:write",
    body: bulkBody,
    plan: (deps, { caller, body }) => previewBulkReplay(deps, caller, body.workflow_run_ids),
    handler: async (deps, { caller, body, idempotencyKey }) => ({
      body: await bulkReplay(deps, caller, body.workflow_run_ids, idempotencyKey),
    }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID",
    scope: "workflows:read",
    query: runQuery,
    handler: async (deps, { caller, params, query }) => {
      const row = await noticeEnd(deps, await findOwnRun(deps, caller, runIdOf(params)));
      return { body: await getRun(deps, caller, row, query.wait_secs) };
    },
  }),
  route({
    method: "delete",
    path: "/v1/workflow-runs/:workflowRunID",
    scope: "workflows:write",
    plan: (deps, { caller, params }) => previewCancel(deps, caller, runIdOf(params)),
    handler: async (deps, { caller, params, idempotencyKey }) =>
      answerTo(await cancelRun(deps, caller, runIdOf(params), idempotencyKey), ({ run }) => run),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps",
    scope: "workflows:read",
    query: stepsQuery,
    handler: async (deps, asked) => {
      const steps = await listSteps(deps, asked.caller, runIdOf(asked.params), asked.query);
      return partAnswer(steps, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/attempts",
    scope: "workflows:read",
    query: stepsQuery,
    handler: async (deps, asked) => {
      const { caller, params, query } = asked;
      const attempts = await listStepAttempts(deps, caller, runIdOf(params), params.stepRef, query);
      return partAnswer(attempts, asked);
    },
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/retry",
    scope: "workflows:trigger",
    body: retryRunBody,
    plan: async (deps, { caller, params, body }) =>
      previewRetry(deps, caller, await findOwnRun(deps, caller, runIdOf(params)), body),
    handler: async (deps, { caller, params, body, idempotencyKey }) => {
      const run = await retryRun(deps, caller, runIdOf(params), body, idempotencyKey);
      return { status: 201, headers: { Location: `/v1/workflow-runs/${run.id}` }, body: run };
    },
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/commands/:commandID",
    scope: "workflows:read",
    handler: async (deps, { caller, params }) => ({
      body: await runCommand(deps, caller, runIdOf(params), commandIdOf(params)),
    }),
  }),
  ...steeringRoutes,
];
