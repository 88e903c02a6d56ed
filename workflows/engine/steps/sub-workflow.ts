import { gateOf } from "../gates/gate.ts";
import { childRunId } from "../ids.ts";
import { atLeastZero, fault } from "./fault.ts";
import type { StepKind } from "./kind.ts";

/** Runs another workflow of the project as a child. */
export const subWorkflow = {
  open: "running",
  emits: false,
  begin({ plan, i, step }) {
    step.child_run_id ??= childRunId(plan.run.id, i, step.generation);
  },
  work({ step }) {
    return step.child_run_id
      ? [{ kind: "child", key: `child/${step.generation}`, child_run_id: step.child_run_id }]
      : [];
  },
  waits: () => undefined,
  onDeadline: () => {
    throw new Error("a sub-workflow step has no deadline of its own");
  },
  close: () => {},

  rows: () => ({}),

  commands: {},
  gates: ({ gates_within = [] }) => gates_within.map(gateOf),

  *lacks(input) {
    if (!input.sub_workflow_id && !input.workflow)
      yield fault("sub_workflow_id", "sub_workflow steps require sub_workflow_id");
    if (input.job_id) yield fault("job_id", "sub_workflow steps must not have job_id");
    yield* atLeastZero(input, "max_nesting_depth");
  },
  faults: (input) => atLeastZero(input, "max_nesting_depth"),
} satisfies StepKind;
