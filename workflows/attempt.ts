import type { AttemptFailure, DispatchInput, FailureDetails } from "../activities/index.ts";
import type { JsonDoc } from "../src/contract/json.ts";
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

export type AttemptNews = News & { type: "attempt_completed" | "attempt_failed" };

export const completed = ({ step, generation, attempt }: Attempt, output: JsonDoc | undefined): AttemptNews => ({
  type: "attempt_completed",
  ...{ step, generation, attempt, output },
});

export function failed({ step, generation, attempt }: Attempt, failure: AttemptFailure): AttemptNews {
  const { type, message, details } = failure;
  const { job_max_attempts = 1 } = (details[0] ?? {}) as Partial<FailureDetails>;
  return {
    type: "attempt_failed",
    ...{ step, generation, attempt },
    ...{ class: type, error: message || "attempt failed", job_max_attempts, random: Math.random() },
  };
}
