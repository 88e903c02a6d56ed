import { previewJobTrigger, triggerJob } from "../../commands/jobs/trigger-job.ts";
import { previewJobTriggers, triggerJobs } from "../../commands/jobs/trigger-jobs.ts";
import {
  bulkTriggerBody,
  bulkTriggerPlan,
  jobTriggerBody,
  jobTriggerPlan,
  triggered,
  triggeredBulk,
} from "../../contract/jobs/trigger.ts";
import { IGNORED, sent, sentInEach } from "../../contract/without-effect.ts";
import { created } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { parseEach } from "../validation.ts";

const tag = "Jobs";

/** Runs of a job by itself. For what becomes of them see job-runs.ts. */
export const jobTriggerRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/jobs/:jobID/trigger",
    operationId: "triggerJob",
    tag,
    summary: "Start a run of a job",
    scope: "jobs:trigger",
    body: jobTriggerBody,
    ignores: sent(IGNORED.jobTrigger),
    returns: { 201: triggered },
    plans: jobTriggerPlan,
    plan: (deps, { caller, params, body }) => previewJobTrigger(deps, caller, params.jobID, body),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      created("/v1/runs", await triggerJob(deps, caller, params.jobID, body, idempotencyKey)),
  }),
  route({
    method: "post",
    path: "/v1/jobs/:jobID/trigger/bulk",
    operationId: "bulkTriggerJob",
    tag,
    summary: "Start up to 100 runs of a job",
    description: "Each as a single trigger would be: what is wrong with one is its own.",
    isBulk: true,
    scope: "jobs:trigger",
    body: bulkTriggerBody,
    ignores: sentInEach("items", IGNORED.jobTrigger),
    returns: { 200: triggeredBulk },
    plans: bulkTriggerPlan,
    plan: (deps, { caller, params, body }) =>
      previewJobTriggers(deps, caller, params.jobID, parseEach(jobTriggerBody, body.items)),
    handler: async (deps, { caller, params, body, idempotencyKey }) => ({
      body: await triggerJobs(deps, caller, params.jobID, parseEach(jobTriggerBody, body.items), idempotencyKey),
    }),
  }),
];
