import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Stack } from "../stack/harness.ts";
import type { Scenario } from "../stack/scenario.ts";

/** How a test ends runs and sees their ends, on a stack that is made later. */
export const endsOn = (stack: () => Stack, on: () => Scenario) => ({
  /** Whatever it is answered. */
  cancel: ({ id }: { id: string }) =>
    stack().request<WorkflowRun & { code?: string }>("DELETE", `/v1/workflow-runs/${id}`),
  endOf: async (run: { id: string }) => ({
    run: (await on().run(run)).status,
    listed: (await stack().request<WorkflowRun[]>("GET", "/v1/workflow-runs?limit=100")).body.find(
      ({ id }) => id === run.id,
    )?.status,
    steps: await on().statuses(run),
  }),
});
