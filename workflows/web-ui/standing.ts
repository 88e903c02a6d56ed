import type { Run } from "../engine/run.ts";
import type { StepState } from "../engine/state.ts";

/** The steps, by index, that an operator looks for: what is waited for from outside, has failed, is to be tried again, or runs. */
export interface Standing {
  waits: number[];
  failed: number[];
  retries: number[];
  runs: number[];
}

/** One pass over thousands of steps at each event has to be a cheap one. */
export function standingOf({ state: { steps } }: Run): Standing {
  const standing: Standing = { waits: [], failed: [], retries: [], runs: [] };
  for (let i = 0; i < steps.length; i++) {
    const place = placeOf(steps[i] as StepState);
    if (place !== undefined) standing[place].push(i);
  }
  return standing;
}

function placeOf({ status, started_at, between_attempts }: StepState): keyof Standing | undefined {
  if (status === "failed") return "failed";
  if (status === "running") return between_attempts ? "retries" : "runs";
  // A step that has not started waits for other steps.
  return status === "waiting" && started_at !== undefined ? "waits" : undefined;
}
