import { draftBulkOperation, draftFilter } from "./bulk-drafts.ts";
import { draftJob, draftJobTrigger, draftJobUpdate, fresh } from "./job-drafts.ts";
import { draftTrigger, draftWorkflow, type Made } from "./workflow-drafts.ts";
import type { z } from "zod";
import { decisionsBody } from "../../src/contract/approvals.ts";
import { bulkOperationBody } from "../../src/contract/bulk/operations.ts";
import { bulkBody } from "../../src/contract/bulk/verbs.ts";
import { createWorkflowBody } from "../../src/contract/create-workflow.ts";
import { purgeEventsBody, sendEventBody, sendToPrefixBody } from "../../src/contract/events/events.ts";
import { bulkTriggerBody, jobTriggerBody } from "../../src/contract/jobs/trigger.ts";
import { batchJobsBody, cloneJobBody, createJobBody, updateJobBody } from "../../src/contract/jobs/jobs.ts";
import { planBody, triggerBody } from "../../src/contract/trigger.ts";
import { cloneWorkflowBody } from "../../src/contract/definitions/update-workflow.ts";
import { approveBody, chooseBody, commentBody, reasonBody, rejectBody, resultBody } from "../../src/contract/verbs.ts";

export type Members = Record<string, unknown>;

export const UNKNOWN = "01900000-0000-7000-8000-000000000000";

export interface BodyOf {
  route: string;
  /** Without one it is POST. */
  method?: "POST" | "PATCH";
  schema: z.ZodType;
  /** A good body with every field in it. */
  draft: (made: Made) => Members;
  /** Fields that are not in the draft, because others of it are given instead. */
  instead?: string[];
  /** Spends a step: no two requests may be for the same one. */
  spends?: true;
  /** Where what was accepted can be read again. */
  readAt?: (answer: Members, made: Made) => string;
  /** Fields that are read under another name, or nowhere. */
  notShown?: string[];
}
const STEP = "/v1/workflow-runs/:workflowRunID/steps/:stepRef";
const stepsOfRun = (_: Members, { ids }: Made) => `/v1/workflow-runs/${ids.workflowRunID}/steps`;
const aim = { step_attempt: 1, shown_hash: "text" };
const bulk = () => ({ workflow_run_ids: [UNKNOWN] });

export const BODIES: BodyOf[] = [
  {
    route: "/v1/workflows",
    schema: createWorkflowBody,
    draft: draftWorkflow,
    readAt: ({ id }) => `/v1/workflows/${id}`,
    notShown: ["type", "timezone", "approvers", "sleep_duration"],
  },
  {
    route: "/v1/workflows/:workflowID/clone",
    schema: cloneWorkflowBody,
    draft: () => ({ project_id: "demo", name: "name", slug: fresh() }),
    readAt: ({ id }) => `/v1/workflows/${id}`,
  },
  {
    route: "/v1/workflows/:workflowID/plan",
    schema: planBody,
    draft: () => ({ step_overrides: [{ step_ref: "gate", enabled: true }] }),
  },
  {
    route: "/v1/jobs",
    schema: createJobBody,
    draft: draftJob,
    readAt: ({ id }) => `/v1/jobs/${id}`,
    notShown: ["timezone", "environment_id"],
  },
  {
    route: "/v1/jobs/:jobID",
    method: "PATCH",
    schema: updateJobBody,
    draft: draftJobUpdate,
    readAt: ({ id }) => `/v1/jobs/${id}`,
    notShown: ["timezone", "environment_id"],
  },
  { route: "/v1/jobs/batch", schema: batchJobsBody, draft: (made) => ({ jobs: [draftJob(made)] }) },
  {
    route: "/v1/jobs/:jobID/clone",
    schema: cloneJobBody,
    draft: () => ({ project_id: "demo", name: "name", slug: fresh() }),
    readAt: ({ id }) => `/v1/jobs/${id}`,
  },
  {
    route: "/v1/jobs/:jobID/trigger",
    schema: jobTriggerBody,
    draft: draftJobTrigger,
    readAt: ({ id }) => `/v1/runs/${id}`,
    notShown: ["idempotency_key"],
  },
  {
    route: "/v1/jobs/:jobID/trigger/bulk",
    schema: bulkTriggerBody,
    draft: () => ({ items: [draftJobTrigger()] }),
  },
  {
    route: "/v1/workflows/:workflowID/trigger",
    schema: triggerBody,
    draft: draftTrigger,
    readAt: ({ id }) => `/v1/workflow-runs/${id}`,
    notShown: ["labels", "idempotency_key", "step_overrides"],
  },
  {
    route: `${STEP}/approve`,
    schema: approveBody,
    draft: () => ({ approver: "bob", comment: "text", values: {}, ...aim }),
  },
  {
    route: `${STEP}/choose`,
    schema: chooseBody,
    draft: () => ({ option: "text", comment: "text", values: {}, ...aim }),
  },
  { route: `${STEP}/reject`, schema: rejectBody, draft: () => ({ reason: "text", comment: "text", ...aim }) },
  { route: `${STEP}/comment`, schema: commentBody, draft: () => ({ comment: "text" }) },
  {
    route: "/v1/approvals/decide",
    schema: decisionsBody,
    draft: ({ ids: { workflowRunID: workflow_run_id, stepRef: step_ref } }) => ({
      decision: "choose",
      option: "text",
      comment: "text",
      approvals: [{ workflow_run_id, step_ref }],
    }),
  },
  {
    route: `${STEP}/skip`,
    schema: reasonBody,
    draft: () => ({ reason: "text" }),
    spends: true,
    readAt: stepsOfRun,
  },
  { route: "/v1/workflow-runs/:workflowRunID/pause", schema: reasonBody, draft: () => ({ reason: "text" }) },
  { route: `${STEP}/force-complete`, schema: resultBody, draft: () => ({ result: {} }), spends: true },
  { route: "/v1/workflow-runs/bulk-cancel", schema: bulkBody, draft: bulk },
  { route: "/v1/workflow-runs/bulk-replay", schema: bulkBody, draft: bulk },
  {
    route: "/v1/bulk-operations",
    schema: bulkOperationBody,
    draft: () => ({ ...draftBulkOperation, ids: [UNKNOWN] }),
    instead: ["filter"],
    readAt: ({ id }) => `/v1/bulk-operations/${id}`,
    notShown: ["ids"],
  },
  {
    route: "/v1/bulk-operations",
    schema: bulkOperationBody,
    draft: ({ ids }) => ({ ...draftBulkOperation, filter: draftFilter(ids.workflowID) }),
    instead: ["ids"],
    readAt: ({ id }) => `/v1/bulk-operations/${id}`,
  },
  ...["pause", "resume", "abort"].map((verb) => {
    return { route: `/v1/bulk-operations/:operationID/${verb}`, schema: reasonBody, draft: () => ({ reason: "text" }) };
  }),
  { route: "/v1/events/:eventKey/send", schema: sendEventBody, draft: () => ({ payload: {}, hold_secs: 60 }) },
  { route: "/v1/events/prefix/:prefix/send", schema: sendToPrefixBody, draft: () => ({ payload: {} }) },
  { route: "/v1/events/purge", schema: purgeEventsBody, draft: () => ({ older_than_days: 1 }) },
];
/** Any JSON is welcome in the first; nobody looks at the second, which published clients send. */
export const DOCUMENTS = [
  ...["payload", "payload_schema", "result_schema", "result", "condition", "jobs", "items"],
  ...["values", "approval_payload", "approval_form"],
];
const OF_JOBS = [
  "group_id",
  "execution_window_cron",
  "rate_limit_max",
  "rate_limit_window_secs",
  "dedup_window_secs",
  "webhook_url",
  "webhook_secret",
];
export const IGNORED_FIELDS: Record<string, string[]> = {
  "/v1/workflows": ["environment_id", "max_attempts", "retry_strategy", "webhook_url", "webhook_secret"],
  "/v1/jobs": OF_JOBS,
  "/v1/jobs/:jobID": [...OF_JOBS, "backwards_compatible"],
  "/v1/jobs/:jobID/trigger": ["priority", "metadata"],
  "/v1/workflows/:workflowID/trigger": ["priority", "metadata"],
};
export const MAPS = ["tags", "labels", "headers"];
