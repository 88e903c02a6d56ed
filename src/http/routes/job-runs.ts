import { cancelJobRun, previewJobRunCancel, previewReplay, replayJobRun } from "../../commands/jobs/steer-job-run.ts";
import { jobRun, jobRunEvent } from "../../contract/jobs/runs.ts";
import { jobTriggerPlan, replayBody } from "../../contract/jobs/trigger.ts";
import { jobRunsQuery, listOf, partOf, partQuery } from "../../contract/lists.ts";
import { attempt, dryRun } from "../../contract/runs.ts";
import { answerTo, commanded, created, pageAnswer, partAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { getJobRun, listJobRunAttempts, listJobRunEvents, listJobRuns } from "../../queries/job-runs.ts";

const tag = "Job runs";

/** "Runs" in this path are job runs: steps of a workflow's run, or what a trigger of the job made. For the runs of workflows see workflow-runs.ts. */
export const jobRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/runs",
    operationId: "listJobRuns",
    tag,
    summary: "List job runs",
    scope: "runs:read",
    query: jobRunsQuery,
    returns: { 200: listOf(jobRun) },
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
    operationId: "getJobRun",
    tag,
    summary: "Get a job run",
    scope: "runs:read",
    returns: { 200: jobRun },
    handler: async (deps, { caller, params }) => ({ body: await getJobRun(deps, caller, params.runID) }),
  }),
  ...(["delete", "post"] as const).map((method) =>
    route({
      method,
      path: method === "delete" ? "/v1/runs/:runID" : "/v1/runs/:runID/cancel",
      operationId: method === "delete" ? "deleteJobRun" : "cancelJobRun",
      tag,
      summary: "Cancel a job run",
      description: "One that a trigger of the job made.",
      scope: "runs:write",
      returns: commanded(jobRun),
      plans: dryRun,
      plan: (deps, { caller, params }) => previewJobRunCancel(deps, caller, params.runID),
      handler: async (deps, { caller, params, idempotencyKey }) =>
        answerTo(await cancelJobRun(deps, caller, params.runID, idempotencyKey), ({ run }) => run),
    }),
  ),
  route({
    method: "post",
    path: "/v1/runs/:runID/replay",
    operationId: "replayJobRun",
    tag,
    summary: "Start a new run of the job with what this one was given",
    scope: "runs:write",
    body: replayBody,
    returns: { 201: jobRun },
    plans: jobTriggerPlan,
    plan: (deps, { caller, params, body }) => previewReplay(deps, caller, params.runID, body),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      created("/v1/runs", await replayJobRun(deps, caller, params.runID, body, idempotencyKey)),
  }),
  route({
    method: "get",
    path: "/v1/runs/:runID/attempts",
    operationId: "listJobRunAttempts",
    tag,
    summary: "List the attempts of a job run",
    scope: "runs:read",
    query: partQuery,
    returns: { 200: partOf(attempt) },
    handler: async (deps, asked) =>
      partAnswer(await listJobRunAttempts(deps, asked.caller, asked.params.runID, asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/runs/:runID/events",
    operationId: "listJobRunEvents",
    tag,
    summary: "List what happened to a job run",
    scope: "runs:read",
    query: partQuery,
    returns: { 200: listOf(jobRunEvent) },
    handler: async (deps, asked) =>
      pageAnswer(await listJobRunEvents(deps, asked.caller, asked.params.runID, asked.query), asked),
  }),
];
