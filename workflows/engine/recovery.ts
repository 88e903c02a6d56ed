import { descendantsOf } from "./plan.ts";
import type { Run, StepState } from "./state.ts";
import { expiry } from "./state.ts";
import { close, skipUnreachable, touch } from "./ending.ts";
import { isDeadEnd } from "./schedule.ts";
import { isRunOver, isStepOver } from "./transitions.ts";

/**
 * Runs a step again, and with it what did not happen because of how it ended: its skipped and canceled descendants.
 * Answers how many steps were reset.
 */
export function retryStep(run: Run, target: number, at: number): number {
  const lost = descendantsOf(run.plan, target).filter((i) => {
    const status = run.state.steps[i]?.status;
    return status === "skipped" || status === "canceled";
  });
  return recover(run, target, [target, ...lost], at);
}

/** Runs a step and everything after it again. What of it is running is canceled. */
export function replaySubtree(run: Run, target: number, at: number): number {
  return recover(run, target, [target, ...descendantsOf(run.plan, target)], at);
}

function recover(run: Run, target: number, subtree: number[], at: number): number {
  const reset = new Set(subtree);
  // A run that is over canceled what had not ended, wherever it stood: opened again, it goes on there too. Otherwise
  // a join of the subtree with such a sibling could never run, and the run would never end.
  if (isRunOver(run.state.status)) {
    for (const [i, step] of run.state.steps.entries()) if (step.status === "canceled") reset.add(i);
  }
  reopen(run, at);
  for (const i of reset) resetStep(run, i, i === target, at);
  // A reset step may also need one that ended badly outside of what was reset.
  for (const i of reset) {
    for (const parent of run.plan.dependencies[i] ?? []) {
      if (isDeadEnd(run.plan, run.state, parent)) skipUnreachable(run, parent, at);
    }
  }
  return subtree.length;
}

function reopen(run: Run, at: number): void {
  const { state, plan } = run;
  if (isRunOver(state.status)) {
    state.finished_at = undefined;
    state.error = undefined;
    state.expires_at = expiry(plan, at);
  }
  state.status = "running";
}

function resetStep(run: Run, i: number, isTarget: boolean, at: number): void {
  const { status, started_at } = run.state.steps[i] as StepState;
  // What it had begun ends for all to see, before the step forgets it.
  if (!isStepOver(status) && started_at !== undefined)
    touch(run, i, (step) => close(step, { status: "canceled", gate: superseded }, at));
  touch(run, i, (step) => {
    const attempt = isTarget || step.started_at !== undefined ? step.attempt + 1 : step.attempt;
    const fresh: StepState = {
      status: isTarget || run.plan.dependencies[i]?.length === 0 ? "pending" : "waiting",
      attempt,
      first_attempt: attempt,
      generation: step.generation + 1,
      revision: step.revision,
    };
    for (const key of Object.keys(step) as (keyof StepState)[]) delete step[key];
    Object.assign(step, fresh);
  });
}

const superseded = ({ trigger }: StepState): void => {
  if (trigger?.status === "waiting") Object.assign(trigger, { status: "canceled", error: "step was reset" });
};
