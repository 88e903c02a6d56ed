import { route, type Route } from "../route.ts";
import { knownId } from "../validation.ts";
import { getJobRun } from "../../queries/runs.ts";

/** "Runs" in this path are job runs. For the runs of workflows see workflow-runs.ts. */
export const jobRunRoutes: Route[] = [
  route({
    method: "get",
    path: "/v1/runs/:runID",
    scope: "runs:read",
    handler: async (deps, { caller, params }) => ({
      body: await getJobRun(deps, caller, knownId(params.runID, "run not found")),
    }),
  }),
];
