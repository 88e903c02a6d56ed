import { jobRunId, stepRunId } from "../ids.ts";
import type { JobRunRow } from "../mirror/rows.ts";
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
  onDeadline: () => "next attempt",
  close: () => {},

  rows: (of) => ({ jobRun: jobRunRow(of) }),

  commands: {},
  approvers: () => [],

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

function jobRunRow({ plan, i, definition, step }: StepOf): JobRunRow | undefined {
  if (!step.job_run_id || !definition.job_id) return undefined;
  const failed = step.last_failure?.class === "timeout" ? "timed_out" : "dead_letter";
  const status = { completed: "completed", failed, canceled: "canceled" } as const;
  return {
    id: step.job_run_id,
    job_id: definition.job_id,
    project_id: plan.run.project_id,
    run_id: plan.run.id,
    step_run_id: stepRunId(plan.run.id, i),
    status: status[step.status as keyof typeof status] ?? "executing",
    attempt: step.attempt - step.first_attempt + 1,
    output: step.output,
    error: step.status === "completed" ? undefined : (step.error ?? step.last_failure?.error),
    started_at: step.started_at ?? plan.run.created_at,
    finished_at: step.finished_at,
    revision: step.revision,
  };
}
