import type { Decision } from "./events.ts";
import type { Run } from "./run.ts";
import { isRunOver } from "./transitions.ts";
import { ConditionError, holds } from "../expressions/conditions.ts";

/** How many steps of a resource class run at once within one run. */
const CLASS_CAPACITY = { small: 50, medium: 20, large: 5 } as const;

/**
 * The next thing the rules want to happen, or undefined when all that can go on is going on. The caller evolves the
 * decision and asks again. Of steps that may start, or make their next attempt, the first of the definition does.
 */
export function decide({ plan, state, schedule }: Run): Decision | undefined {
  if (isRunOver(state.status)) return undefined;
  if (schedule.unfinished === 0) return { type: "run_finished" };

  const limit = plan.run.max_parallel_steps ?? 0;
  if (limit > 0 && schedule.running >= limit) return undefined;

  // A paused run starts no step; a job that was called is tried again.
  const isPaused = state.status === "paused";
  let next: number | undefined;
  for (const lane of schedule.ready.values()) {
    const first = isPaused ? lane.find((i) => state.steps[i]?.between_attempts) : lane[0];
    if (first === undefined || (next !== undefined && first > next)) continue;
    const { concurrency_key, resource_class } = plan.steps[first] ?? { resource_class: "small" };
    if (concurrency_key && (schedule.runningByKey.get(concurrency_key) ?? 0) > 0) continue;
    if ((schedule.runningByClass.get(resource_class) ?? 0) >= CLASS_CAPACITY[resource_class]) continue;
    next = first;
  }
  if (next === undefined) return undefined;

  if (state.steps[next]?.between_attempts) return { type: "attempt_started", step: next };

  const condition = plan.steps[next]?.condition;
  if (condition === undefined) return { type: "step_started", step: next };
  try {
    const statusOf = (ref: string) => state.steps[plan.index.get(ref) ?? -1]?.status;
    return holds(condition, statusOf) ? { type: "step_started", step: next } : { type: "step_skipped", step: next };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return {
      type: "step_failed",
      step: next,
      error: `condition of step ${plan.steps[next]?.step_ref}: ${error.message}`,
    };
  }
}
