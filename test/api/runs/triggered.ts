import type { WorkflowRun } from "../../../src/contract/runs.ts";
import type { Workflow } from "../../../src/contract/workflows.ts";
import type { RequestOptions, Stack } from "../../stack/harness.ts";
import { createWorkflow, gate } from "../definitions.ts";

export const taggedWorkflow = (stack: Stack): Promise<Workflow> =>
  createWorkflow(stack, [gate("a"), gate("b", { depends_on: ["a"] }), gate("c")], {
    tags: { of: "workflow", both: "workflow" },
  });

/** Of a workflow, whatever it is answered, on a stack that is made later. */
export const triggerOn = (stack: () => Stack) => (id: string, body?: unknown, options?: RequestOptions) =>
  stack().request<WorkflowRun>("POST", `/v1/workflows/${id}/trigger`, body, options);
