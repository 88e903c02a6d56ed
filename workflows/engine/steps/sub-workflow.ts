import { childRunId } from "../ids.ts";
import type { StepKind } from "./kind.ts";

/** Runs another workflow of the project as a child. */
export const subWorkflow: StepKind = {
  open: "running",
  begin({ plan, i }, step) {
    step.child_run_id ??= childRunId(plan.run.id, i, step.generation);
  },
  work(_plan, _i, step) {
    return step.child_run_id
      ? [{ kind: "child", key: `child/${step.generation}`, child_run_id: step.child_run_id }]
      : [];
  },
  onDeadline: () => {
    throw new Error("a sub-workflow step has no deadline of its own");
  },
};
