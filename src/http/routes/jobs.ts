import { z } from "zod";
import { cloneJob, previewClone } from "../../commands/jobs/clone-job.ts";
import { createJob, previewJob } from "../../commands/jobs/create-job.ts";
import { createJobs, previewJobs } from "../../commands/jobs/create-jobs.ts";
import { deleteJob, previewDelete } from "../../commands/jobs/delete-job.ts";
import { previewEnabled, previewUpdate, setEnabled, updateJob } from "../../commands/jobs/update-job.ts";
import {
  batchJobsBody,
  cloneJobBody,
  createJobBody,
  job,
  jobBatch,
  jobBatchPlan,
  jobDeletionPlan,
  jobHealth,
  jobPlan,
  updateJobBody,
} from "../../contract/jobs/jobs.ts";
import { listOf, taggedQuery, versionsQuery } from "../../contract/lists.ts";
import { IGNORED, sent, sentInEach } from "../../contract/without-effect.ts";
import { created, pageAnswer } from "../answer.ts";
import { route, type Route } from "../route.ts";
import { parseEach } from "../validation.ts";
import { projectOf } from "../../identity/caller.ts";
import { getJob, getJobHealth, listJobs, listJobVersions } from "../../queries/jobs.ts";

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
    handler: async (deps, { caller, body, idempotencyKey }) =>
      created("/v1/jobs", await createJob(deps, caller, body, idempotencyKey)),
  }),
  route({
    method: "post",
    path: "/v1/jobs/batch",
    operationId: "createJobs",
    tag,
    summary: "Create up to 100 jobs",
    description: "Each as a single creation would be: what is wrong with one is its own.",
    isBulk: true,
    scope: "jobs:write",
    body: batchJobsBody,
    ignores: sentInEach("jobs", IGNORED.job),
    returns: { 200: jobBatch },
    plans: jobBatchPlan,
    plan: (deps, { caller, body }) => previewJobs(deps, caller, parseEach(createJobBody, body.jobs)),
    handler: async (deps, { caller, body, idempotencyKey }) => ({
      body: await createJobs(deps, caller, parseEach(createJobBody, body.jobs), idempotencyKey),
    }),
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
  route({
    method: "patch",
    path: "/v1/jobs/:jobID",
    operationId: "updateJob",
    tag,
    summary: "Change a job",
    description: "Makes its next version. Runs that are open make their next call by it.",
    scope: "jobs:write",
    ignoresKey: true,
    body: updateJobBody,
    ignores: sent(IGNORED.jobUpdate),
    returns: { 200: job },
    plans: jobPlan,
    plan: (deps, { caller, params, body }) => previewUpdate(deps, caller, params.jobID, body),
    handler: async (deps, { caller, params, body }) => ({ body: await updateJob(deps, caller, params.jobID, body) }),
  }),
  route({
    method: "delete",
    path: "/v1/jobs/:jobID",
    operationId: "deleteJob",
    tag,
    summary: "Delete a job",
    description: "Nothing may call it any more. Its runs stay.",
    scope: "jobs:write",
    ignoresKey: true,
    returns: { 204: z.undefined() },
    plans: jobDeletionPlan,
    plan: (deps, { caller, params }) => previewDelete(deps, caller, params.jobID),
    handler: async (deps, { caller, params }) => {
      await deleteJob(deps, caller, params.jobID);
      return { body: undefined };
    },
  }),
  route({
    method: "post",
    path: "/v1/jobs/:jobID/clone",
    operationId: "cloneJob",
    tag,
    summary: "Copy a job",
    scope: "jobs:write",
    body: cloneJobBody,
    returns: { 201: job },
    plans: jobPlan,
    plan: (deps, { caller, params, body }) => previewClone(deps, caller, params.jobID, body),
    handler: async (deps, { caller, params, body, idempotencyKey }) =>
      created("/v1/jobs", await cloneJob(deps, caller, params.jobID, body, idempotencyKey)),
  }),
  ...[true, false].map((enabled) =>
    route({
      method: "post",
      path: `/v1/jobs/:jobID/${enabled ? "enable" : "disable"}`,
      operationId: enabled ? "enableJob" : "disableJob",
      tag,
      summary: enabled ? "Enable a job" : "Disable a job",
      scope: "jobs:write",
      ignoresKey: true,
      returns: { 200: job },
      plans: jobPlan,
      plan: (deps, { caller, params }) => previewEnabled(deps, caller, params.jobID, enabled),
      handler: async (deps, { caller, params }) => ({ body: await setEnabled(deps, caller, params.jobID, enabled) }),
    }),
  ),
  route({
    method: "get",
    path: "/v1/jobs/:jobID/versions",
    operationId: "listJobVersions",
    tag,
    summary: "List the versions of a job",
    description: "The newest first.",
    scope: "jobs:read",
    query: versionsQuery,
    returns: { 200: listOf(job) },
    handler: async (deps, asked) =>
      pageAnswer(await listJobVersions(deps, asked.caller, asked.params.jobID, asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/jobs/:jobID/health",
    operationId: "getJobHealth",
    tag,
    summary: "How the runs of a job ended lately",
    scope: "jobs:read",
    returns: { 200: jobHealth },
    handler: async (deps, { caller, params }) => ({ body: await getJobHealth(deps, caller, params.jobID) }),
  }),
];
