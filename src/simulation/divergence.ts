import type { Simulation } from "./simulation.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { isStepOver } from "../../workflows/engine/transitions.ts";

/** The way that a step went. */
export type Way = Pick<StepState, "status" | "cause" | "error">;

export interface Divergence {
  step_ref: string;
  /** Undefined of a step that the run does not have. */
  did?: Way;
  would: Way & { reason?: string };
}

/**
 * The first step, by the time at which it ends in the simulation, that goes another way than it did in the run: it ends otherwise,
 * or for another cause. What it puts out, and when, is not its way.
 */
export function divergenceFrom(done: Run, { run, trace }: Simulation): Divergence | undefined {
  const open = [...run.state.steps.keys()].filter((i) => !isStepOver((run.state.steps[i] as StepState).status));
  for (const i of [...trace.ended, ...open]) {
    const { step_ref = "" } = run.plan.steps[i] ?? {};
    const { status, cause, error } = run.state.steps[i] as StepState;
    const did = done.state.steps[done.plan.index.get(step_ref) ?? -1];
    if (did?.status === status && did.cause === cause) continue;
    const reason = trace.begun.find(({ step }) => step === i)?.reason;
    return {
      step_ref,
      did: did && { status: did.status, cause: did.cause, error: did.error },
      would: { status, cause, error, reason },
    };
  }
  return undefined;
}
