import { stepRunId } from "../ids.ts";
import type { AttemptRow } from "./rows.ts";
import type { Run } from "../run.ts";
import type { StepState } from "../state.ts";
import { isStepOver } from "../transitions.ts";

/** A life of a step that has something to tell: what is reset without one does not count as an attempt. */
export const isAttempt = ({ started_at, cause }: StepState): boolean =>
  started_at !== undefined || cause === "operator" || cause === "condition";

/** The latest attempt of a step, as it stands. */
export function attemptRow({ plan, state }: Run, i: number): AttemptRow {
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
    approval: step.approval,
    started_at: step.attempt_started_at ?? step.started_at,
    finished_at: step.finished_at,
  };
}

/** Another attempt follows: what this one was is written down before the step forgets it. */
export function leaveAttempt(run: Run, i: number, at: number): void {
  const row = attemptRow(run, i);
  const { deadline, between_attempts, last_failure } = run.state.steps[i] as StepState;
  const end: Partial<AttemptRow> =
    (between_attempts || deadline !== undefined) && last_failure
      ? { status: "failed", error: last_failure.error, finished_at: last_failure.at ?? deadline }
      : isStepOver(row.status)
        ? {}
        : { status: "canceled", finished_at: at };
  run.dirty.attempts.push({ ...row, ...end });
}
