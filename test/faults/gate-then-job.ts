import type { WorkflowRun } from "../../src/contract/runs.ts";
import type { Scenario, StepDraft } from "../stack/scenario.ts";
import { GATE } from "../stack/step-drafts.ts";

export const GATE_THEN_JOB: StepDraft[] = [GATE, { step_ref: "job", calls: "/job", depends_on: ["gate"] }];

/** A run at its gate, as the mirror has it, and with nothing left to do for a worker. */
export async function atGate(on: Scenario): Promise<WorkflowRun> {
  const run = await on.start(GATE_THEN_JOB);
  await on.opens(run, "gate");
  await on.rests(run);
  return run;
}
