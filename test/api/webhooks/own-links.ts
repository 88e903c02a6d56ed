import type { ApprovalLink } from "../../../src/contract/webhooks/approval-links.ts";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { gate, ok, opens, runOf } from "../definitions.ts";
import type { Stack } from "../../stack/harness.ts";

/** Links that ada makes for herself, to runs of one gate. */
export const ownLinks = (stack: () => Stack) => ({
  async waiting(over: object = {}): Promise<WorkflowRun> {
    const run = await runOf(stack(), [gate("gate", { ...over })]);
    await opens(stack(), run, "gate");
    return run;
  },
  async linkOf(run: WorkflowRun): Promise<string> {
    const { url } = await ok<ApprovalLink>(stack(), "POST", `/v1/workflow-runs/${run.id}/steps/gate/links`);
    return new URL(url).pathname;
  },
  open: (path: string) => fetch(`${stack().apiUrl}${path}`),
});
