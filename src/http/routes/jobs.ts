import { cloneJob, previewClone } from "../../commands/jobs/clone-job.ts";
import { createJob, previewJob } from "../../commands/jobs/create-job.ts";
import { createJobs, previewJobs } from "../../commands/jobs/create-jobs.ts";
import { deleteJob, previewDelete } from "../../commands/jobs/delete-job.ts";
import { previewEnabled, previewUpdate, setEnabled, updateJob } from "../../commands/jobs/update-job.ts";
import { batchJobsBody, cloneJobBody, createJobBody, updateJobBody } from "../../contract/jobs.ts";
import { taggedQuery, versionsQuery } from "../../contract/lists.ts";
import { IGNORED, sent, sentInEach } from "../../contract/without-effect.ts";
import { pageAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { knownId, parseEach } from "../validation.ts";
import { projectOf } from "../../identity/caller.ts";
import { getJob, jobHealth, listJobs, listJobVersions } from "../../queries/jobs.ts";

export const jobIdOf = (params: { jobID: string }) => knownId(params.jobID, "job not found");

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
    method: "post",
    path: "/v1/jobs/batch",
    scope: "jobs:write",
    body: batchJobsBody,
    ignores: sentInEach("jobs", IGNORED.job),
    plan: (deps, { caller, body }) => previewJobs(deps, caller, parseEach(createJobBody, body.jobs)),
    handler: async (deps, { caller, body }) => ({
      body: await createJobs(deps, caller, parseEach(createJobBody, body.jobs)),
    }),
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
    handler: async (deps, { caller, params }) => ({ body: await getJob(deps, caller, jobIdOf(params)) }),
  }),
  route({
    method: "patch",
    path: "/v1/jobs/:jobID",
    scope: "jobs:write",
    body: updateJobBody,
    ignores: sent(IGNORED.jobUpdate),
    plan: (deps, { caller, params, body }) => previewUpdate(deps, caller, jobIdOf(params), body),
    handler: async (deps, { caller, params, body }) => ({ body: await updateJob(deps, caller, jobIdOf(params), body) }),
  }),
  route({
    method: "delete",
    path: "/v1/jobs/:jobID",
    scope: "jobs:write",
    plan: (deps, { caller, params }) => previewDelete(deps, caller, jobIdOf(params)),
    handler: async (deps, { caller, params }) => {
      await deleteJob(deps, caller, jobIdOf(params));
      return { status: 204, body: undefined };
    },
  }),
  route({
    method: "post",
    path: "/v1/jobs/:jobID/clone",
    scope: "jobs:write",
    body: cloneJobBody,
    plan: (deps, { caller, params, body }) => previewClone(deps, caller, jobIdOf(params), body),
    handler: async (deps, { caller, params, body }) => ({
      status: 201,
      body: await cloneJob(deps, caller, jobIdOf(params), body),
    }),
  }),
  ...[true, false].map((enabled) =>
    route({
      method: "post",
      path: `/v1/jobs/:jobID/${enabled ? "enable" : "disable"}`,
      scope: "jobs:write",
      plan: (deps, { caller, params }) => previewEnabled(deps, caller, jobIdOf(params), enabled),
      handler: async (deps, { caller, params }) => ({
        body: await setEnabled(deps, caller, jobIdOf(params), enabled),
      }),
    }),
  ),
  route({
    method: "get",
    path: "/v1/jobs/:jobID/versions",
    scope: "jobs:read",
    query: versionsQuery,
    handler: async (deps, asked) =>
      pageAnswer(await listJobVersions(deps, asked.caller, jobIdOf(asked.params), asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/jobs/:jobID/health",
    scope: "jobs:read",
    handler: async (deps, { caller, params }) => ({ body: await jobHealth(deps, caller, jobIdOf(params)) }),
  }),
];
