import type { JsonDoc } from "../src/contract/json.ts";
import type { AttemptFailure, CallOutcome, DispatchInput, PayloadSources } from "./activity-types.ts";
import type { FailureDetails } from "./failure-classes.ts";
import type { AttemptEvent } from "./engine/events.ts";
import type { PlanStep } from "./engine/plan.ts";
import { namesRead, ownPayload } from "./engine/references/reads.ts";
import type { Run } from "./engine/run.ts";
import type { StepState } from "./engine/state.ts";

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
  const { generation, attempt, first_attempt, job_run_id, last_failure, started_at } = run.state.steps[
    step
  ] as StepState;
  const input = {
    job_id: definition.job_id ?? "",
    job_run_id: job_run_id ?? "",
    step_ref: definition.step_ref,
    attempt: attempt - first_attempt + 1,
    previous_error: last_failure?.error,
    began_at: started_at,
    timeout_secs_override: definition.timeout_secs_override,
    output_transform: definition.output_transform,
    sources: sourcesOf(run, step),
    ...(run.plan.run.trace && { trace: run.plan.run.trace }),
  };
  return { step, step_ref: definition.step_ref, generation, attempt, input };
}

type Due = Pick<Attempt, "step" | "generation" | "attempt">;

export const completed = ({ step, generation, attempt }: Due, output: JsonDoc | undefined): AttemptEvent => ({
  type: "attempt_completed",
  ...{ step, generation, attempt, output },
});

export function failed({ step, generation, attempt }: Due, failure: AttemptFailure): AttemptEvent {
  const { type, message, details } = failure;
  const {
    job_max_attempts = 1,
    retry_after_ms,
    job_delay_secs,
    job_ttl_secs,
  } = (details[0] ?? {}) as Partial<FailureDetails>;
  return {
    type: "attempt_failed",
    ...{ step, generation, attempt },
    ...{ class: type, error: message || "attempt failed", random: Math.random() },
    ...{ job_max_attempts, retry_after_ms, job_delay_secs, job_ttl_secs },
  };
}

/** What the end of a call is to the run. */
export const newsOf = (due: Due, outcome: CallOutcome): AttemptEvent =>
  "failure" in outcome ? failed(due, outcome.failure) : completed(due, outcome.output);

/** What the payload or the key of a step is rendered from, by reference where large: activities do the rendering. */
export function sourcesOf(run: Run, i: number): PayloadSources {
  const { plan, state } = run;
  const parents = plan.dependencies[i] ?? [];
  const outputs = parents.flatMap((parent) => {
    const output = state.steps[parent]?.output;
    return output ? [[plan.steps[parent]?.step_ref ?? "", output] as [string, typeof output]] : [];
  });
  const { payload = plan.run.payload } = state;
  return {
    project_id: plan.run.project_id,
    run_id: plan.run.id,
    trigger: payload,
    step: ownPayload(run, i),
    parents: parents.length > 0 ? outputs : undefined,
    named: (plan.run.rules ?? 0) >= 1 ? namedBy(run, i, parents) : undefined,
  };
}

/** The outputs of direct dependencies are there already. */
function namedBy(run: Run, i: number, parents: number[]): PayloadSources["named"] {
  const { plan, state } = run;
  const { id, workflow_id, created_by } = plan.run;
  const outputs = namesRead(run, i).flatMap((ref): [string, JsonDoc?][] => {
    const j = plan.index.get(ref) ?? -1;
    const output = state.steps[j]?.output;
    if (!output) return [[ref]];
    return parents.includes(j) ? [] : [[ref, output]];
  });
  return { outputs, run: { id, workflow_id, created_by, attempt: state.steps[i]?.attempt ?? 1 } };
}
