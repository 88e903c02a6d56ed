import { expect } from "vitest";
import type { WorkflowSimulation } from "../../../src/contract/simulation/simulations.ts";
import { stringifyJson } from "../../../src/contract/json.ts";
import { createWorkflow, type Step } from "../definitions.ts";
import type { Stack } from "../../stack/harness.ts";

/** Simulations of workflows, on a stack that is made later. */
export function simulatingOn(stack: () => Stack) {
  const post = ({ id }: { id: string }, body?: unknown) =>
    stack().request<WorkflowSimulation>("POST", `/v1/workflows/${id}/simulate`, body);
  return {
    post,
    /** Of a workflow that is made for it. */
    async simulated(steps: Step[], body?: unknown, over: Step = {}): Promise<WorkflowSimulation> {
      const answer = await post(await createWorkflow(stack(), steps, over), body);
      expect(answer.status, stringifyJson(answer.body)).toBe(200);
      return answer.body;
    },
  };
}

export const stepOf = ({ steps }: WorkflowSimulation, ref: string) => steps.find(({ step_ref }) => step_ref === ref);
