import { cancelJobRun, previewJobRunCancel, previewReplay, replayJobRun } from "../../commands/jobs/steer-job-run.ts";
import { replayBody } from "../../contract/job-trigger.ts";
import { jobRunsQuery, stepsQuery } from "../../contract/lists.ts";
import { answerTo, pageAnswer, partAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { knownId } from "../validation.ts";
import { projectOf } from "../../identity/caller.ts";
import { getJobRun, listJobRunAttempts, listJobRunEvents, listJobRuns } from "../../queries/job-runs.ts";

const idOf = (params: { runID: string }) => knownId(params.runID, "run not found");

/** "Runs" in this path are job runs: steps of a workflow's run, or what a trigger of the job made. For the runs of workflows see workflow-runs.ts. */
export const jobRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/runs",
    scope: "runs:read",
    query: jobRunsQuery,
    handler: async (deps, asked) => {
      const { project_id, job_id, status, created_after, created_before, limit, cursor } = asked.query;
      const projectId = projectOf(asked.caller, project_id);
      const filter = { projectId, jobId: job_id, status, createdAfter: created_after, createdBefore: created_before };
      return pageAnswer(await listJobRuns(deps, { ...filter, limit, cursor }), asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/runs/:runID",
    scope: "runs:read",
    handler: async (deps, { caller, params }) => ({ body: await getJobRun(deps, caller, idOf(params)) }),
  }),
  ...(["delete", "post"] as const).map((method) =>
    route({
      method,
      path: method === "delete" ? "/v1/runs/:runID" : "/v1/runs/:runID/cancel",
      scope: "runs:write",
      plan: (deps, { caller, params }) => previewJobRunCancel(deps, caller, idOf(params)),
      handler: async (deps, { caller, params, idempotencyKey }) =>
        answerTo(await cancelJobRun(deps, caller, idOf(params), idempotencyKey), ({ run }) => run),
    }),
  ),
  route({
    method: "post",
    path: "/v1/runs/:runID/replay",
    scope: "runs:write",
    body: replayBody,
    plan: (deps, { caller, params, body }) => previewReplay(deps, caller, idOf(params), body),
    handler: async (deps, { caller, params, body, idempotencyKey }) => {
      const run = await replayJobRun(deps, caller, idOf(params), body, idempotencyKey);
      return { status: 201, headers: { Location: `/v1/runs/${run.id}` }, body: run };
    },
  }),
  route({
    method: "get",
    path: "/v1/runs/:runID/attempts",
    scope: "runs:read",
    query: stepsQuery,
    handler: async (deps, asked) =>
      partAnswer(await listJobRunAttempts(deps, asked.caller, idOf(asked.params), asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/runs/:runID/events",
    scope: "runs:read",
    query: stepsQuery,
    handler: async (deps, asked) =>
      pageAnswer(await listJobRunEvents(deps, asked.caller, idOf(asked.params), asked.query), asked),
  }),
];
