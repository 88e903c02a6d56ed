import type { PlanStep } from "../plan.ts";
import type { StepState } from "../state.ts";
import type { FailureDetails } from "../../failure-classes.ts";

/** Another try would be answered the same. */
const FINAL_CLASSES: readonly string[] = ["client", "auth", "budget", "oom", "template"];

const INITIAL_SECS = 1;
const LONGEST_SECS = 3600;

type FailedAttempt = FailureDetails & { at: number; class: string; random: number };

/** When a job step tries again after a failed attempt (epoch ms), or undefined: it has failed. */
export function nextAttemptAt(definition: PlanStep, step: StepState, failed: FailedAttempt): number | undefined {
  if (FINAL_CLASSES.includes(failed.class)) return undefined;
  const n = step.attempt - step.first_attempt + 1;
  if (n >= mostAttempts(definition, failed)) return undefined;
  // A job's general limit gives up on an endpoint that fails the same way again; a step's own limit is meant as said.
  if (!definition.retry_max_attempts && n >= 3 && step.last_failure?.class === failed.class) return undefined;

  const max = definition.retry_max_delay_secs || LONGEST_SECS;
  const delay = saysItself(definition)
    ? ownDelaySecs(definition, n, max)
    : (failed.job_delay_secs ?? ownDelaySecs(definition, n, max));
  const backoff = Math.round(delay * 1000 * (0.8 + 0.4 * failed.random));
  const next = failed.at + Math.max(backoff, Math.min(failed.retry_after_ms ?? 0, max * 1000));
  const { job_ttl_secs = 0 } = failed;
  return job_ttl_secs > 0 && next >= (step.started_at ?? failed.at) + job_ttl_secs * 1000 ? undefined : next;
}

/** A step's own limit goes before its job's. */
export const mostAttempts = (
  { retry_max_attempts: own = 0 }: PlanStep,
  { job_max_attempts }: Pick<FailureDetails, "job_max_attempts">,
): number => (own > 0 ? own : job_max_attempts);

/** `exponential` is what a step has that says nothing. */
const saysItself = (step: PlanStep): boolean =>
  step.retry_backoff === "fixed" || Boolean(step.retry_initial_delay_secs || step.retry_max_delay_secs);

function ownDelaySecs({ retry_initial_delay_secs, retry_backoff }: PlanStep, n: number, max: number): number {
  const initial = retry_initial_delay_secs || INITIAL_SECS;
  return retry_backoff === "fixed" ? initial : Math.min(initial * 2 ** (n - 1), max);
}

/** What a job says of the delay after its nth attempt; undefined where it leaves that to the step. */
export function jobDelaySecs(
  strategy: string | undefined,
  delays: number[] | undefined,
  n: number,
): number | undefined {
  if (strategy === "custom") return delays?.[Math.min(n, delays.length) - 1];
  if (strategy === "linear") return Math.min(INITIAL_SECS * n, LONGEST_SECS);
  return strategy === "fixed" ? INITIAL_SECS : undefined;
}
