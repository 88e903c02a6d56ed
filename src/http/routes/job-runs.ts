import { jobRun } from "../../contract/runs.ts";
import { route, type Route } from "../route.ts";
import { getJobRun } from "../../queries/runs.ts";

/** "Runs" in this path are job runs. For the runs of workflows see workflow-runs.ts. */
export const jobRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/runs/:runID",
    operationId: "getJobRun",
    tag: "Job runs",
    summary: "Get a job run",
    scope: "runs:read",
    returns: { 200: jobRun },
    handler: async (deps, { caller, params }) => ({ body: await getJobRun(deps, caller, params.runID) }),
  }),
];
