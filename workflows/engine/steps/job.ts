import type { JobRunStatus } from "../../../src/contract/jobs/runs.ts";
import type { RunStatus } from "../../../src/contract/runs.ts";
import { jobRunId, stepRunId } from "../ids.ts";
import type { JobRunRow } from "../mirror/rows.ts";
import { isRunOfJob } from "../plan.ts";
import type { StepState } from "../state.ts";
import { outputPathProblem } from "../../expressions/output-path.ts";
import { atLeastZero, fault } from "./fault.ts";
import type { StepKind, StepOf } from "./kind.ts";

/** Calls a job over HTTP; its deadline is the wait before the next attempt. */
export const job = {
  open: "running",
  emits: true,
  begin({ plan, i, step }) {
    step.job_run_id = jobRunId(plan.run.id, plan.numbers?.[i] ?? i, step.generation);
  },
  work({ step }) {
    return step.deadline === undefined && !step.between_attempts
      ? [{ kind: "dispatch", key: `dispatch/${step.generation}/${step.attempt}` }]
      : [];
  },
  waits: ({ step }) => {
    const { attempt, first_attempt, deadline, last_failure } = step;
    if (deadline === undefined) return undefined;
    return { reason: "retry", attempt: attempt - first_attempt + 2, max_attempts: last_failure?.most, at: deadline };
  },
  onDeadline: () => "next attempt",
  close: () => {},

  rows: (of, run) => ({ jobRun: jobRunRow(of, run) }),

  commands: {},
  gates: () => [],

  *lacks(input) {
    if (!input.job_id && !input.job) yield fault("job_id", "job steps require job_id");
  },
  *faults(input) {
    yield* atLeastZero(input, "retry_max_attempts", "retry_initial_delay_secs", "retry_max_delay_secs");
    const { output_transform: path } = input;
    const problem = path ? outputPathProblem(path) : undefined;
    if (problem !== undefined) yield fault("output_transform", `output_transform ${problem}`);
  },
} satisfies StepKind;

/** One that a trigger of its job made is there before it starts, and whether it does or not. */
function jobRunRow({ plan, i, definition, step }: StepOf, run: RunStatus): JobRunRow | undefined {
  const { id: run_id, project_id, created_at } = plan.run;
  const isOwn = isRunOfJob(plan);
  const id = step.job_run_id ?? (isOwn ? jobRunId(run_id, i, step.generation) : undefined);
  if (!id || !definition.job_id) return undefined;
  const isExpired = isOwn && run === "timed_out" && step.status === "canceled";
  return {
    id,
    job_id: definition.job_id,
    project_id,
    run_id,
    step_run_id: stepRunId(run_id, i),
    status: isExpired ? "expired" : jobRunStatus(step),
    attempt: step.attempt - step.first_attempt + 1,
    output: step.output,
    error: isExpired ? "run_ttl_secs is over" : errorOf(step),
    created_at: isOwn ? created_at : undefined,
    started_at: step.started_at ?? (isOwn ? undefined : created_at),
    finished_at: step.finished_at,
    revision: step.revision,
  };
}

const errorOf = ({ status, error, last_failure }: StepState): string | undefined =>
  status === "completed" ? undefined : (error ?? last_failure?.error);

function jobRunStatus({ status, last_failure, started_at }: StepState): JobRunStatus {
  if (status === "completed" || status === "canceled") return status;
  if (status === "skipped") return "canceled";
  if (status === "failed") return last_failure?.class === "timeout" ? "timed_out" : "dead_letter";
  return started_at === undefined ? "queued" : "executing";
}
