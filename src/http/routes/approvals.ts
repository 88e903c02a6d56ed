import { decideMany, previewDecisions } from "../../commands/runs/decide-many.ts";
import { makeLink, previewLink } from "../../commands/links/make-link.ts";
import { approvalLink, approvalLinkPlan, linkBody } from "../../contract/webhooks/approval-links.ts";
import {
  approvalCounts,
  approvalCountsQuery,
  approvalsQuery,
  decisions,
  decisionsBody,
  decisionsPlan,
  listedApproval,
} from "../../contract/approvals.ts";
import { listOf } from "../../contract/lists.ts";
import { pageAnswer } from "../answer.ts";
import { type Route, route } from "../route.ts";
import { countApprovals, getApproval, listApprovals } from "../../queries/approvals/approvals.ts";

const tag = "Approvals";

/** The gates of a project's runs, as those who decide them look at them. */
export const approvalRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/approvals",
    operationId: "listApprovals",
    tag,
    summary: "List approvals: those that are pending as they fall due",
    scope: "workflows:read",
    orScope: "approvals:decide",
    query: approvalsQuery,
    returns: { 200: listOf(listedApproval) },
    handler: async (deps, asked) => pageAnswer(await listApprovals(deps, asked.caller, asked.query), asked),
  }),
  route({
    method: "get",
    path: "/v1/approvals/counts",
    operationId: "countApprovals",
    tag,
    summary: "Count approvals",
    scope: "workflows:read",
    orScope: "approvals:decide",
    query: approvalCountsQuery,
    returns: { 200: approvalCounts },
    handler: async (deps, { caller, query }) => ({ body: await countApprovals(deps, caller, query) }),
  }),
  route({
    method: "get",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/approval",
    operationId: "getWorkflowRunStepApproval",
    tag,
    summary: "Get a gate: what it shows, what was said to it, what became of it",
    scope: "workflows:read",
    orScope: "approvals:decide",
    returns: { 200: listedApproval },
    handler: async (deps, { caller, params }) => ({
      body: await getApproval(deps, caller, params.workflowRunID, params.stepRef),
    }),
  }),
  route({
    method: "post",
    path: "/v1/approvals/decide",
    operationId: "decideApprovals",
    tag,
    summary: "Decide up to 100 gates",
    isBulk: true,
    scope: "workflows:write",
    orScope: "approvals:decide",
    body: decisionsBody,
    returns: { 200: decisions },
    plans: decisionsPlan,
    plan: (deps, { caller, body }) => previewDecisions(deps, caller, body),
    handler: async (deps, { caller, body, idempotencyKey }) => ({
      body: await decideMany(deps, caller, body, idempotencyKey),
    }),
  }),
  route({
    method: "post",
    path: "/v1/workflow-runs/:workflowRunID/steps/:stepRef/links",
    operationId: "createApprovalLink",
    tag,
    summary: "Make a link by which you decide a gate without a token",
    description:
      "Once, at this attempt of the gate. Whoever has it decides in your name. Only for whom the gate names.",
    scope: "workflows:write",
    orScope: "approvals:decide",
    ignoresKey: true,
    body: linkBody,
    returns: { 201: approvalLink },
    plans: approvalLinkPlan,
    plan: (deps, { caller, params }) => previewLink(deps, caller, params.workflowRunID, params.stepRef),
    handler: async (deps, { caller, params }) => {
      const link = await makeLink(deps, caller, params.workflowRunID, params.stepRef);
      return { headers: { Location: link.url }, body: link };
    },
  }),
];
