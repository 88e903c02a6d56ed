import type { Route } from "../route.ts";
import { bulkOperationRoutes } from "./bulk-operations.ts";
import { documentRoute } from "./document.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { jobRoutes } from "./jobs.ts";
import { runRoutes } from "./runs.ts";
import { workflowRunRoutes } from "./workflow-runs.ts";
import { workflowRoutes } from "./workflows.ts";

/** Every route there is; the tests ask each of them with every kind of token. */
export const routes: Route[] = [
  ...healthRoutes,
  ...workflowRoutes,
  ...workflowRunRoutes,
  ...bulkOperationRoutes,
  ...jobRoutes,
  ...runRoutes,
  ...eventRoutes,
  documentRoute(() => routes),
];
