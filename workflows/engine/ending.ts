import type { RunStatus } from "../../src/contract/runs.ts";
import { ownRows } from "./mirror/view.ts";
import type { Run } from "./run.ts";
import { changeStep, isDeadEnd } from "./schedule.ts";
import type { StepState } from "./state.ts";
import { STEP_KINDS } from "./steps/index.ts";
import type { StepEnd } from "./steps/kind.ts";
import { hasBegun, isStepOver } from "./transitions.ts";

/** Changes one step, marks it for the mirror, keeps the schedule. */
export function touch(run: Run, i: number, mutate: (step: StepState) => void): void {
  changeStep(run.plan, run.state, run.schedule, i, (step) => {
    mutate(step);
    step.revision = run.state.revision;
  });
  run.dirty.steps.add(i);
  run.touched.add(i);
  const { approval, trigger, jobRun } = ownRows(run, i);
  if (approval) run.dirty.approvals.set(approval.id, approval);
  if (trigger) run.dirty.triggers.set(trigger.id, trigger);
  if (jobRun) run.dirty.jobRuns.set(jobRun.id, jobRun);
  // Dependents show how many of their dependencies are done: their rows change with this one's.
  for (const d of run.plan.dependents[i] ?? []) markChanged(run, d);
}

function markChanged(run: Run, i: number): void {
  (run.state.steps[i] as StepState).revision = run.state.revision;
  run.dirty.steps.add(i);
}

/** Ends a step, and nothing follows from it yet. */
export function closeStep(run: Run, i: number, end: StepEnd, at: number): void {
  const definition = run.plan.steps[i];
  if (!definition) return;
  const kind = STEP_KINDS[definition.step_type];
  const isOwnSuccess = end.status === "completed" && end.override === undefined;
  touch(run, i, (step) => {
    end.gate?.(step);
    kind.close(step, end);
    step.status = end.status;
    step.finished_at = at;
    step.error = end.error;
    step.cause = end.cause;
    step.deadline = undefined;
    step.between_attempts = undefined;
    step.asking = undefined;
    step.found = undefined;
    if (end.output) step.output = end.output;
    if (isOwnSuccess && kind.emits && definition.event_emit_key) step.emitting = true;
  });
}

/** Ends a step and lets its failure policy do the rest (docs/state-machine.md, When a step fails). */
export function endStep(run: Run, i: number, end: StepEnd, at: number): void {
  closeStep(run, i, end, at);
  if (end.status === "failed" && run.plan.steps[i]?.on_failure === "fail_workflow")
    endRun(run, "failed", at, end.error);
  else skipUnreachable(run, i, at);
}

/** What needs a step that ended badly can't run: it is skipped, and what needs that, and so on. What has ended or begun stays. */
export function skipUnreachable(run: Run, from: number, at: number): void {
  const open = [from];
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    if (!isDeadEnd(run.plan, run.state, i)) continue;
    for (const d of run.plan.dependents[i] ?? []) {
      const step = run.state.steps[d];
      if (!step || hasBegun(step)) continue;
      closeStep(run, d, { status: "skipped", cause: "dependency" }, at);
      open.push(d);
    }
  }
}

/** Ends the run; every step that has not ended is canceled. */
export function endRun(run: Run, status: RunStatus, at: number, error?: string, stepError?: string): void {
  const { state } = run;
  state.status = status;
  state.finished_at = at;
  state.error = error;
  state.returning = undefined;
  for (const [i, step] of state.steps.entries())
    if (!isStepOver(step.status)) closeStep(run, i, { status: "canceled", error: stepError }, at);
}
