import { stepRunId } from "../ids.ts";
import type { AttemptRow } from "./rows.ts";
import type { Run } from "../run.ts";
import type { StepState } from "../state.ts";
import { isStepOver } from "../transitions.ts";

/** Whether the present generation of a step counts as an attempt: it has started, or was decided without starting. */
export const isAttempt = ({ started_at, cause }: Pick<StepState, "started_at" | "cause">): boolean =>
  started_at !== undefined || cause === "operator" || cause === "condition";

/** What spans are told of a failure: rows of a run in a trace have it. */
export const failureClass = ({ plan }: Run, failure: StepState["last_failure"]) =>
  plan.run.trace && { failure_class: failure?.class };

/** The latest attempt of a step, as it stands. */
export function attemptRow(run: Run, i: number): AttemptRow {
  const { plan, state } = run;
  const step = state.steps[i] as StepState;
  return {
    step_run_id: stepRunId(plan.run.id, i),
    run_id: plan.run.id,
    attempt: step.attempt,
    status: step.status,
    cause: step.cause,
    job_run_id: step.job_run_id,
    output: step.output,
    error: step.error,
    ...(step.status === "failed" && failureClass(run, step.last_failure)),
    approval: step.approval,
    started_at: step.attempt_started_at ?? step.started_at,
    finished_at: step.finished_at,
  };
}

/** Another attempt follows: this one is kept as a row before the state of the step is overwritten. */
export function leaveAttempt(run: Run, i: number, at: number): void {
  const row = attemptRow(run, i);
  const { deadline, between_attempts, last_failure } = run.state.steps[i] as StepState;
  const end: Partial<AttemptRow> =
    (between_attempts || deadline !== undefined) && last_failure
      ? {
          status: "failed",
          error: last_failure.error,
          ...failureClass(run, last_failure),
          finished_at: last_failure.at ?? deadline,
        }
      : isStepOver(row.status)
        ? {}
        : { status: "canceled", finished_at: at };
  run.dirty.attempts.push({ ...row, ...end });
}
