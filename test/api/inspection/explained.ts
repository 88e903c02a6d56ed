import { z } from "zod";
import type { WorkflowRun } from "../../../src/contract/runs.ts";
import { ok } from "../definitions.ts";
import { answered, envelope, id, present, text, time } from "../shapes.ts";
import type { Stack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

const decision = z.strictObject({
  id,
  workflow_run_id: id,
  step_run_id: id.optional(),
  // Empty of the run itself.
  step_ref: z.string(),
  decision_type: z.enum(["scheduler", "concurrency", "resource", "condition"]),
  decision: z.enum(["wait", "skip", "complete", "cancel"]),
  explanation: text,
  details: z.record(text, present),
  created_at: time,
});
export const page = envelope(decision);
export type Decision = z.infer<typeof decision>;

export const path = ({ id: run }: Pick<WorkflowRun, "id">, query = "") => `/v1/workflow-runs/${run}/explain${query}`;

export const said = (decisions: Decision[]) =>
  decisions.map(
    ({ step_ref, decision_type: type, decision: what, explanation }) => `${step_ref} ${type}/${what} ${explanation}`,
  );

/** What a run tells of its steps, on a stack that is made later. */
export function explainedOn(stack: () => Stack) {
  const explained = async (run: WorkflowRun, query = "?limit=100"): Promise<Decision[]> =>
    answered(await stack().request("GET", path(run, query)), 200, page).data;
  return {
    explained,
    /** Once the mirror has it. */
    tells: (run: WorkflowRun, line: string | RegExp) =>
      until(async () => {
        const lines = said(await explained(run));
        return lines.some((one) => (typeof line === "string" ? one === line : line.test(one)));
      }),
    verb: (run: WorkflowRun, what: string, body?: object) =>
      ok(stack(), "POST", `/v1/workflow-runs/${run.id}/${what}`, body),
  };
}
