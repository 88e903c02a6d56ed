import { createJob, previewJob } from "../../commands/definitions/create-job.ts";
import { createJobBody } from "../../contract/jobs.ts";
import { taggedQuery } from "../../contract/lists.ts";
import { IGNORED, sent } from "../../contract/without-effect.ts";
import { pageAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { knownId } from "../validation.ts";
import { projectOf } from "../../identity/caller.ts";
import { getJob, listJobs } from "../../queries/jobs.ts";

export const jobRoutes: Route[] = [
  route({
    method: "post",
    path: "/v1/jobs",
    scope: "jobs:write",
    body: createJobBody,
    ignores: sent(IGNORED.job),
    plan: (deps, { caller, body }) => previewJob(deps, caller, body),
    handler: async (deps, { caller, body }) => ({ status: 201, body: await createJob(deps, caller, body) }),
  }),
  route({
    method: "get",
    path: "/v1/jobs",
    scope: "jobs:read",
    query: taggedQuery,
    handler: async (deps, asked) => {
      const page = await listJobs(deps, projectOf(asked.caller, asked.query.project_id), asked.query);
      return pageAnswer(page, asked);
    },
  }),
  route({
    method: "get",
    path: "/v1/jobs/:jobID",
    scope: "jobs:read",
    handler: async (deps, { caller, params }) => ({
      body: await getJob(deps, caller, knownId(params.jobID, "job not found")),
    }),
  }),
];
