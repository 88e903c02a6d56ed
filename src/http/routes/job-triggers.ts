import { jobIdOf } from "./jobs.ts";
import { previewJobTrigger, triggerJob } from "../../commands/jobs/trigger-job.ts";
import { previewJobTriggers, triggerJobs } from "../../commands/jobs/trigger-jobs.ts";
import { bulkTriggerBody, jobTriggerBody } from "../../contract/job-trigger.ts";
import { IGNORED, sent, sentInEach } from "../../contract/without-effect.ts";
import { route, type Route } from "../route.ts";
import { parseEach } from "../validation.ts";

/** Runs of a job by itself; what becomes of them is next door, in runs.ts. */
export const jobTriggerRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/jobs/:jobID/trigger",
    scope: "jobs:trigger",
    body: jobTriggerBody,
    ignores: sent(IGNORED.jobTrigger),
    plan: (deps, { caller, params, body }) => previewJobTrigger(deps, caller, jobIdOf(params), body),
    handler: async (deps, { caller, params, body, idempotencyKey }) => {
      const run = await triggerJob(deps, caller, jobIdOf(params), body, idempotencyKey ?? body.idempotency_key);
      return { status: 201, headers: { Location: `/v1/runs/${run.id}` }, body: run };
    },
  }),
  route({
    method: "post",
    path: "/v1/jobs/:jobID/trigger/bulk",
    isBulk: true,
    scope: "jobs:trigger",
    body: bulkTriggerBody,
    ignores: sentInEach("items", IGNORED.jobTrigger),
    plan: (deps, { caller, params, body }) =>
      previewJobTriggers(deps, caller, jobIdOf(params), parseEach(jobTriggerBody, body.items)),
    handler: async (deps, { caller, params, body, idempotencyKey }) => ({
      body: await triggerJobs(deps, caller, jobIdOf(params), parseEach(jobTriggerBody, body.items), idempotencyKey),
    }),
  }),
];
