import type { Decision } from "./events.ts";
import { isFull, laneLimit } from "./limits.ts";
import type { Run } from "./run.ts";
import { factsOf } from "./references/facts.ts";
import { type StartRule, startRuleOf } from "./references/start-rules.ts";
import { isRunOver } from "./transitions.ts";
import { valueAt, wantedFor } from "./references/values.ts";
import { ConditionError } from "../expressions/condition-parser.ts";
import { holds } from "../expressions/conditions.ts";

/**
 * The next thing the rules want to happen, or undefined when all that can go on is going on. The caller evolves the
 * decision and asks again. Of steps that may start, or make their next attempt, the first of the definition does.
 */
export function decide(run: Run): Decision | undefined {
  const { plan, state, schedule } = run;
  if (isRunOver(state.status)) return undefined;
  if (schedule.unfinished === 0) return { type: "run_finished" };

  if (isFull(run)) return undefined;

  // A paused run starts no step; a job that was called is tried again.
  const isPaused = state.status === "paused";
  let next: number | undefined;
  for (const lane of schedule.ready.values()) {
    const first = lane.find((i) => {
      const { between_attempts, asking } = state.steps[i] ?? {};
      return isPaused ? between_attempts : !asking;
    });
    if (first === undefined || (next !== undefined && first > next)) continue;
    if (laneLimit(run, first)) continue;
    next = first;
  }
  if (next === undefined) return undefined;

  if (state.steps[next]?.between_attempts) return { type: "attempt_started", step: next };
  const rule = startRuleOf(plan, next);
  if (!rule) return { type: "step_started", step: next };
  if (rule.error !== undefined) return { type: "step_failed", step: next, error: rule.error };
  if (wantedFor(run, next).length > 0) return { type: "values_asked", step: next };
  return decideBy(rule, run, next);
}

function decideBy({ condition, emitKey }: StartRule, run: Run, step: number): Decision {
  try {
    if (condition && !holds(condition, factsOf(run, step))) return { type: "step_skipped", step };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const { step_ref } = run.plan.steps[step] ?? {};
    return { type: "step_failed", step, error: `condition of step ${step_ref}: ${error.message}` };
  }
  // Its event could not be sent when it ends, so it does not begin.
  const lacking = emitKey.find((reference) => valueAt(run, step, reference) === undefined);
  return lacking
    ? { type: "step_failed", step, error: `${lacking.name} has no value` }
    : { type: "step_started", step };
}
