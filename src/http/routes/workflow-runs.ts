import type { z } from "zod";
import { bulkCancel, bulkReplay, previewBulkReplay } from "../../commands/bulk/bulk-verbs.ts";
import { cancelRun } from "../../commands/runs/cancel-run.ts";
import { previewRetry, retryRun, sourceOf } from "../../commands/runs/retry-run.ts";
import { encodePlace, runQuery, runsQuery, stepsQuery } from "../../contract/lists.ts";
import { bulkBody, dryRunQuery, retryBody } from "../../contract/verbs.ts";
import { type Answer, answerTo, pageOf } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { runIdOf, steeringRoutes } from "./steering.ts";
import { projectOf } from "../../identity/caller.ts";
import { listStepAttempts } from "../../queries/attempts.ts";
import { getRun, listRuns, listSteps } from "../../queries/runs.ts";

export const workflowRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/workflow-runs",
    scope: "workflows:read",
    query: runsQuery,
    handler: async (deps, asked) => {
      const { project_id, status, tag_key, tag_value, limit, cursor } = asked.query;
      const filter = { status, tagKey: tag_key, tagValue: tag_value, limit, cursor };
      const { items, next } = await listRuns(deps, projectOf(asked.caller, project_id), filter);
      return pageOf(items, next, asked);
    },
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/bulk-cancel",
    isBulk: true,
    scope: "workflows:write",
    body: bulkBody,
    handler: async (deps, { caller, body }) => ({ body: await bulkCancel(deps, caller, body.workflow_run_ids) }),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/bulk-replay",
    isBulk: true,
    scope: "workflows:write",
    query: dryRunQuery,
    body: bulkBody,
    handler: async (deps, { caller, query, body, idempotencyKey }) => ({
      body: query.dryRun
        ? await previewBulkReplay(deps, caller, body.workflow_run_ids)
        : await bulkReplay(deps, caller, body.workflow_run_ids, idempotencyKey),
    }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID",
    scope: "workflows:read",
    query: runQuery,
    handler: async (deps, { caller, params, query }) => ({
      body: await getRun(deps, caller, runIdOf(params), query.wait_secs),
    }),
  }),
  route({
    method: "delete",
    path: "/v1/workflow-runs/:workflowRunID",
    scope: "workflows:write",
    handler: async (deps, { caller, params }) =>
      answerTo(await cancelRun(deps, caller, runIdOf(params)), ({ run }) => run),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps",
    scope: "workflows:read",
    query: stepsQuery,
    handler: async (deps, asked) => {
      const steps = await listSteps(deps, asked.caller, runIdOf(asked.params));
      return partOf(steps, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/attempts",
    scope: "workflows:read",
    query: stepsQuery,
    handler: async (deps, asked) => {
      const attempts = await listStepAttempts(deps, asked.caller, runIdOf(asked.params), asked.params.stepRef);
      return partOf(attempts, asked);
    },
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/retry",
    scope: "workflows:trigger",
    query: dryRunQuery,
    body: retryBody,
    handler: async (deps, { caller, params, query, body, idempotencyKey }) => {
      if (query.dryRun) return { body: await previewRetry(deps, await sourceOf(deps, caller, runIdOf(params)), body) };
      const run = await retryRun(deps, caller, runIdOf(params), body, idempotencyKey);
      return { status: 201, headers: { Location: `/v1/workflow-runs/${run.id}` }, body: run };
    },
  }),
  ...steeringRoutes,
];

/** Of a list that comes all at once, unless a limit is given. */
function partOf(items: unknown[], asked: { url: string; query: z.output<typeof stepsQuery> }): Answer {
  const { cursor: from, limit = items.length } = asked.query;
  const to = from + limit;
  return pageOf(items.slice(from, to), to < items.length ? encodePlace(to) : undefined, asked);
}
