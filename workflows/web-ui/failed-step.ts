import type { Run } from "../engine/run.ts";

export interface FailedStep {
  step_ref: string;
  error?: string;
}

/** Of the failed steps, the one that the run failed by, or else the first to fail. `failed`: their indexes. */
export function failedStepOf({ plan, state }: Run, failed: number[]): FailedStep | undefined {
  const ended = (i: number) => state.steps[i]?.finished_at ?? 0;
  const inTime = failed.toSorted((a, b) => ended(a) - ended(b));
  // One that ends the run is the last to fail.
  const fatal = inTime.findLast((i) => state.error !== undefined && state.steps[i]?.error === state.error);
  const found = fatal ?? inTime[0] ?? -1;
  const definition = plan.steps[found];
  return definition && { step_ref: definition.step_ref, error: state.steps[found]?.error };
}
