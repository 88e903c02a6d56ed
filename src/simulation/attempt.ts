import type { End, Outcome } from "./outcome.ts";
import type { SimulatedJob, World } from "./world.ts";
import { mismatch } from "../rules/job-schemas.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import { jobDelaySecs } from "../../workflows/engine/steps/retries.ts";
import type { FailureClass, FailureDetails } from "../../workflows/failure-classes.ts";

/** Neither early nor late: retries are spread by chance. */
const NO_CHANCE = 0.5;

type Failed = Extract<End, { is: "failed" }>;

const failure = (failed: FailureClass, error: string, after_ms = 0): Failed => ({
  after_ms,
  is: "failed",
  class: failed,
  error,
});

/** How the attempt of a job that begins now ends. `payload`: what it is given. */
export function attemptEnd(world: World, run: Run, i: number, now: number): Made {
  const definition = run.plan.steps[i] as PlanStep;
  const job = world.jobOf(definition);
  if (!job?.enabled) return { end: failure("client", `job ${definition.job_id} is ${job ? "disabled" : "not found"}`) };
  const state = run.state.steps[i] as StepState;
  const outcome = world.outcomeOf(definition);
  const limit = outcome.isRecorded ? NO_LIMIT : limitOf(job, definition, state, now);
  if (limit.ms <= 0) return { end: failure("timeout", limit.error) };
  const payload = world.payloads.payloadOf(run, i);
  const problem = "problem" in payload ? payload.problem : mismatch(job, "payload_schema", payload.text);
  if (problem !== undefined) return { end: failure("template", problem), ...payload };
  const end = endOf(outcome, state.attempt - state.first_attempt);
  return { end: end.after_ms > limit.ms ? failure("timeout", limit.error, limit.ms) : end, ...payload };
}

const NO_LIMIT = { ms: Number.POSITIVE_INFINITY, error: "" };

interface Made {
  end: End;
  text?: string;
}

export const endOf = ({ ends }: Outcome, n: number): End => ends[Math.min(n, ends.length - 1)] as End;

/** What the run's rules ask of the job when an attempt of it has failed. */
export function failureDetails(
  job: SimulatedJob | undefined,
  n: number,
  retry_after_ms: number | undefined,
  isRecorded = false,
) {
  const details: FailureDetails & { random: number } = {
    job_max_attempts: job?.max_attempts ?? 1,
    retry_after_ms,
    job_delay_secs: jobDelaySecs(job?.retry_strategy, job?.retry_delays_secs, n),
    job_ttl_secs: job?.run_ttl_secs || undefined,
    // What was waited for then is told as what the endpoint asked for: nothing longer comes of chance.
    random: isRecorded ? 0 : NO_CHANCE,
  };
  return details;
}

function limitOf(
  { timeout_secs, run_ttl_secs = 0 }: SimulatedJob,
  { timeout_secs_override }: PlanStep,
  { started_at = 0 }: StepState,
  now: number,
): { ms: number; error: string } {
  const own = (timeout_secs_override || timeout_secs) * 1000;
  const left = run_ttl_secs > 0 ? started_at + run_ttl_secs * 1000 - now : Number.POSITIVE_INFINITY;
  return left < own
    ? { ms: left, error: `run_ttl_secs is over: ${run_ttl_secs}` }
    : { ms: own, error: "execution timed out" };
}
