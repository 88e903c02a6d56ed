import type { StepOf } from "./kind.ts";
import type { Run } from "../run.ts";

/** Undefined: the run has no such step. */
export function ofStep({ plan, state }: Pick<Run, "plan" | "state">, i: number): StepOf | undefined {
  const step = state.steps[i];
  const definition = plan.steps[i];
  return step && definition && { plan, i, definition, step };
}
