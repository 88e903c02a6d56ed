import type { ListedApproval } from "../../../src/contract/approvals.ts";
import type { Approval, StepRun, WorkflowRun } from "../../../src/contract/runs.ts";
import type { Stack } from "../../stack/harness.ts";
import type { Scenario } from "../../stack/scenario.ts";

/** Without the right to override. */
const SCOPES = ["workflows:read", "workflows:write", "workflows:trigger"];

interface Decided {
  step_run: StepRun;
  approval: Approval;
  error?: string;
  details?: string[];
}

/** What is done to the step `gate` of a run, on a stack that is made later. */
export function decidingOn(stack: () => Stack, on: () => Scenario) {
  const as = (sub: string, groups?: string[], scopes = SCOPES) => ({ token: stack().token({ sub, groups, scopes }) });
  return {
    as,
    say: (run: WorkflowRun, verb: string, who: string, body: object = {}, groups?: string[]) =>
      on().steer<Decided>(run, verb, "gate", body as never, as(who, groups)),
    shownOf: async (run: WorkflowRun) =>
      (await stack().request<ListedApproval>("GET", `/v1/workflow-runs/${run.id}/steps/gate/approval`)).body,
  };
}
