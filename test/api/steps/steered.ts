import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Stack } from "../../stack/harness.ts";
import { gate, opens, runOf } from "../definitions.ts";

export type Verb = "approve" | "reject" | "skip" | "force-complete" | "retry" | "replay-subtree";

/** What a test does with steps, on a stack that is made later. */
export const stepsOn = (stack: () => Stack) => ({
  steer: (run: WorkflowRun, ref: string, verb: Verb, body?: unknown, token?: string) =>
    stack().request("POST", `/v1/workflow-runs/${run.id}/steps/${ref}/${verb}`, body, { token }),

  /** An open gate, and a second one behind it. */
  async atGate(approvers = ["ada"]): Promise<WorkflowRun> {
    const run = await runOf(stack(), [
      gate("gate", { approval_approvers: approvers }),
      gate("next", { depends_on: ["gate"] }),
    ]);
    await opens(stack(), run, "gate");
    return run;
  },
});
