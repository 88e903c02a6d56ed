import assert from "node:assert/strict";
import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import { isOver } from "./reference-run.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { Cause } from "../../workflows/engine/state.ts";

interface Ended {
  status: StepStatus;
  cause?: Cause;
}

/** What is true of any run that is over, whatever happened to it: nothing hangs, nobody was forgotten. */
export function assertEnd(definitions: PlanStep[], run: { status: RunStatus }, steps: Ended[]): void {
  assert(isOver(run), `the run is ${run.status}`);
  const of = (ref: string) => definitions.findIndex(({ step_ref }) => step_ref === ref);
  const counts = steps.map(({ status }, i) => status === "failed" && definitions[i]?.on_failure !== "continue");
  const endedBadly = (i: number) =>
    counts[i] ||
    steps[i]?.status === "canceled" ||
    (steps[i]?.status === "skipped" && steps[i]?.cause === "dependency") ||
    (steps[i]?.cause === "condition" && definitions[i]?.on_skip === "skip_dependents");

  for (const [i, step] of steps.entries()) {
    const { step_ref, depends_on, condition } = definitions[i] as PlanStep;
    assert(isOver(step), `${step_ref} is ${step.status} after the end`);
    if (step.status !== "skipped") continue;
    assert(step.cause, `${step_ref} was skipped for no reason`);
    if (step.cause === "dependency")
      assert(
        depends_on.some((ref) => endedBadly(of(ref))),
        `${step_ref} was skipped, but all that it needs ended well`,
      );
    if (step.cause === "condition") assert(condition !== undefined, `${step_ref} has no condition`);
  }
  if (run.status === "failed") assert(counts.includes(true), "no step failed the run");
  if (run.status === "completed") {
    assert(!counts.includes(true), "a failed step counts");
    assert(!steps.some(({ status }) => status === "canceled"), "a sibling was canceled, and forgotten");
  }
}
