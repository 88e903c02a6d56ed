import { ownRows } from "../mirror/view.ts";
import type { Plan } from "../plan.ts";
import { initialRun, type Run, type SeedStep } from "../run.ts";

/** The run that retries another one, before its first step: what it keeps shows by whom it was approved. */
export function retryingRun(plan: Plan, kept: SeedStep[]): Run {
  const run = initialRun(plan, kept);
  for (const i of run.dirty.steps) {
    const { approval } = ownRows(run, i);
    if (approval) run.dirty.approvals.set(approval.id, approval);
  }
  return run;
}
