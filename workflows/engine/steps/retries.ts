import type { PlanStep } from "../plan.ts";
import type { StepState } from "../state.ts";

/** Another try would be answered the same. */
const FINAL_CLASSES: readonly string[] = ["client", "auth", "budget", "oom", "template"];

interface FailedAttempt {
  at: number;
  class: string;
  job_max_attempts: number;
  retry_after_ms?: number;
  random: number;
}

/** When a job step tries again after a failed attempt (epoch ms), or undefined: it has failed. */
export function nextAttemptAt(definition: PlanStep, step: StepState, failed: FailedAttempt): number | undefined {
  if (FINAL_CLASSES.includes(failed.class)) return undefined;
  const n = step.attempt - step.first_attempt + 1;
  const own = definition.retry_max_attempts ?? 0;
  if (n >= (own > 0 ? own : failed.job_max_attempts)) return undefined;
  // A job's general limit gives up on an endpoint that fails the same way again; a step's own limit is meant as said.
  if (own === 0 && n >= 3 && step.last_failure?.class === failed.class) return undefined;

  const initial = definition.retry_initial_delay_secs || 1;
  const max = definition.retry_max_delay_secs || 3600;
  const delay = definition.retry_backoff === "fixed" ? initial : Math.min(initial * 2 ** (n - 1), max);
  const backoff = Math.round(delay * 1000 * (0.8 + 0.4 * failed.random));
  return failed.at + Math.max(backoff, Math.min(failed.retry_after_ms ?? 0, max * 1000));
}
