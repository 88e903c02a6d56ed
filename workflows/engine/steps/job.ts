import { jobRunId } from "../ids.ts";
import type { StepKind } from "./kind.ts";

/** Calls a job over HTTP; its deadline is the wait before the next attempt. */
export const job: StepKind = {
  open: "running",
  begin({ plan, i }, step) {
    step.job_run_id = jobRunId(plan.run.id, plan.numbers?.[i] ?? i, step.generation);
  },
  work(_plan, _i, step) {
    return step.deadline === undefined && !step.between_attempts
      ? [{ kind: "dispatch", key: `dispatch/${step.generation}/${step.attempt}` }]
      : [];
  },
  onDeadline: () => "next attempt",
};
