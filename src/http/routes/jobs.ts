import { createJob, previewJob } from "../../commands/definitions/create-job.ts";
import { createJobBody, job, jobPlan } from "../../contract/jobs.ts";
import { listOf, taggedQuery } from "../../contract/lists.ts";
import { IGNORED, sent } from "../../contract/without-effect.ts";
import { pageAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { projectOf } from "../../identity/caller.ts";
import { getJob, listJobs } from "../../queries/jobs.ts";

const tag = "Jobs";

export const jobRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/jobs",
    operationId: "createJob",
    tag,
    summary: "Create a job",
    scope: "jobs:write",
    body: createJobBody,
    ignores: sent(IGNORED.job),
    returns: { 201: job },
    plans: jobPlan,
    plan: (deps, { caller, body }) => previewJob(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) => {
      const created = await createJob(deps, caller, body, idempotencyKey);
      return { headers: { Location: `/v1/jobs/${created.id}` }, body: created };
    },
  }),
  route({
    method: "get",
    path: "/v1/jobs",
    operationId: "listJobs",
    tag,
    summary: "List jobs",
    scope: "jobs:read",
    query: taggedQuery,
    returns: { 200: listOf(job) },
    handler: async (deps, asked) => {
      const page = await listJobs(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/jobs/:jobID",
    operationId: "getJob",
    tag,
    summary: "Get a job",
    scope: "jobs:read",
    returns: { 200: job },
    handler: async (deps, { caller, params }) => ({ body: await getJob(deps, caller, params.jobID) }),
  }),
];
