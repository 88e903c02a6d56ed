import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from "@temporalio/workflow";
import type { AttemptFailure, Carried, DispatchInput, FailureDetails, QuickOutcome } from "../activities/index.ts";
import type { JsonDoc } from "../src/contract/json.ts";
import { stepDispatch, stepDispatchAt } from "./activities.ts";
import type { News } from "./engine/events.ts";
import type { PlanStep } from "./engine/plan.ts";
import type { Run, StepState } from "./engine/state.ts";
import { sourcesOf } from "./sources.ts";

/** The attempt of a job step that is to be made now. */
export interface Attempt {
  step: number;
  step_ref: string;
  generation: number;
  attempt: number;
  input: DispatchInput;
}

export function attemptOf(run: Run, step: number): Attempt {
  const definition = run.plan.steps[step] as PlanStep;
  const { generation, attempt, first_attempt, job_run_id, last_failure } = run.state.steps[step] as StepState;
  const input = {
    job_id: definition.job_id ?? "",
    job_run_id: job_run_id ?? "",
    attempt: attempt - first_attempt + 1,
    previous_error: last_failure?.error,
    timeout_secs_override: definition.timeout_secs_override,
    output_transform: definition.output_transform,
    sources: sourcesOf(run, step),
  };
  return { step, step_ref: definition.step_ref, generation, attempt, input };
}

/** The outcome of an attempt in the quick lane. */
export const newsOf = (attempt: Attempt, outcome: QuickOutcome): News =>
  "failed" in outcome ? failed(attempt, outcome.failed) : completed(attempt, outcome.output);

/** Awaits an attempt as an ordinary, heartbeating activity: at the process that makes it, or else anywhere. Throws a cancellation. */
export async function dispatch(attempt: Attempt, queue: string | null): Promise<News> {
  const { step_ref, input } = attempt;
  if (queue !== null) {
    try {
      const { output } = await stepDispatchAt(queue, step_ref).dispatchJob(input);
      return completed(attempt, output);
    } catch (error) {
      const failure = failureOf(error);
      if (failure) return failed(attempt, failure);
      input.carried = carriedBy(error as ActivityFailure);
    }
  }
  try {
    const { output } = await stepDispatch(step_ref).dispatchJob(input);
    return completed(attempt, output);
  } catch (error) {
    return failed(attempt, failureOf(error) ?? unexpected(error as ActivityFailure));
  }
}

const completed = ({ step, generation, attempt }: Attempt, output: JsonDoc | undefined): News => ({
  type: "attempt_completed",
  ...{ step, generation, attempt, output },
});

function failed({ step, generation, attempt }: Attempt, { type, message, details }: AttemptFailure): News {
  const { job_max_attempts = 1 } = (details[0] ?? {}) as Partial<FailureDetails>;
  return {
    type: "attempt_failed",
    ...{ step, generation, attempt },
    ...{ class: type, error: message || "attempt failed", job_max_attempts, random: Math.random() },
  };
}

/** The endpoint's own failure, which no other worker and no later try would change. A cancellation is not news: whoever cancelled knows. */
function failureOf(error: unknown): AttemptFailure | undefined {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || !cause.nonRetryable) return undefined;
  return { message: cause.message, type: cause.type ?? "unknown", details: cause.details ?? [] };
}

const unexpected = ({ cause, message }: ActivityFailure): AttemptFailure => ({
  message: cause?.message ?? message,
  type: "unknown",
  details: [],
});

/** The endpoint's answer, if it came but could not be stored before the worker was gone. */
function carriedBy({ cause }: ActivityFailure): Carried | undefined {
  if (cause instanceof TimeoutFailure) return cause.lastHeartbeatDetails as Carried | undefined;
  return cause instanceof ApplicationFailure ? (cause.details?.[0] as Carried | undefined) : undefined;
}
