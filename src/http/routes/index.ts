import type { Route } from "../route.ts";
import { approvalRoutes } from "./approvals.ts";
import { bulkOperationRoutes } from "./bulk-operations.ts";
import { documentRoute } from "./document.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { inspectionRoutes } from "./inspection.ts";
import { jobTriggerRoutes } from "./job-triggers.ts";
import { jobRoutes } from "./jobs.ts";
import { jobRunRoutes } from "./job-runs.ts";
import { webhookRoutes } from "./webhooks.ts";
import { workflowPlanRoutes } from "./workflow-plans.ts";
import { workflowPolicyRoutes } from "./workflow-policies.ts";
import { workflowRunRoutes } from "./workflow-runs.ts";
import { workflowVersionRoutes } from "./workflow-versions.ts";
import { workflowRoutes } from "./workflows.ts";

/** Every route there is; the tests ask each of them with every kind of token. */
export const routes: Route[] = [
  ...healthRoutes,
  ...workflowRoutes,
  ...workflowPlanRoutes,
  ...workflowVersionRoutes,
  ...workflowPolicyRoutes,
  ...workflowRunRoutes,
  ...inspectionRoutes,
  ...approvalRoutes,
  ...webhookRoutes,
  ...bulkOperationRoutes,
  ...jobRoutes,
  ...jobTriggerRoutes,
  ...jobRunRoutes,
  ...eventRoutes,
  documentRoute(() => routes),
];
