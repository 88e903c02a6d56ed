import type { CommandOutcome } from "../command.ts";
import { CLASS_CAPACITY, isFull, laneLimit } from "../limits.ts";
import type { Run } from "../run.ts";
import { letsGoOn } from "../schedule.ts";
import { STEP_KINDS } from "../steps/index.ts";
import { ofStep } from "../steps/of-step.ts";
import { isRunOver, isStepOver } from "../transitions.ts";
import type { Wait } from "./reason.ts";

/**
 * Why a step waits, as the run stands. Undefined: it is over, or something goes on for it, or it starts as soon as the run goes on.
 * By the same rules by which `decide` passes it over.
 */
export function waitOf(run: Run, i: number): Wait | undefined {
  const of = ofStep(run, i);
  if (!of || isStepOver(of.step.status) || isRunOver(run.state.status)) return undefined;
  const { step } = of;
  const isReady = step.started_at === undefined || (step.between_attempts && step.deadline === undefined);
  if (!isReady) return STEP_KINDS[of.definition.step_type].waits(of);
  return dependenciesOf(run, i) ?? heldBack(run, i) ?? (step.asking ? { reason: "values" } : undefined);
}

function dependenciesOf({ plan, state, schedule }: Run, i: number): Wait | undefined {
  const parents = plan.dependencies[i] ?? [];
  const done = schedule.depsCompleted[i] ?? 0;
  if (done >= parents.length) return undefined;
  const waits_for = parents.flatMap((p) => (letsGoOn(plan, state, p) ? [] : (plan.steps[p]?.step_ref ?? [])));
  return { reason: "dependencies", done, required: parents.length, waits_for };
}

/** The same for every step of a lane that is to start, and for every one whose next attempt is due. */
function heldBack(run: Run, i: number): Wait | undefined {
  const { plan, state } = run;
  // A paused run starts no step; a job that was called is tried again.
  if (state.status === "paused" && !state.steps[i]?.between_attempts) return { reason: "paused", by: pauser(run) };
  if (isFull(run)) return { reason: "max_parallel_steps", limit: plan.run.max_parallel_steps ?? 0 };
  const { resource_class = "small", concurrency_key = "" } = plan.steps[i] ?? {};
  switch (laneLimit(run, i)) {
    case "concurrency_key":
      return { reason: "concurrency_key", concurrency_key };
    case "resource_class":
      return { reason: "resource_class", resource_class, limit: CLASS_CAPACITY[resource_class] };
    default:
      return undefined;
  }
}

/** Of a run that is paused, the command that paused it, with who sent it and why. */
export const pauseIn = ({ state }: Run): CommandOutcome | undefined =>
  state.commands.findLast(({ verb, status, is_news = true }) => verb === "pause" && status === "applied" && is_news);

export const pauser = (run: Run): string | undefined => pauseIn(run)?.actor;
