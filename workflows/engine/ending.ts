import type { JsonDoc } from "../../src/contract/json.ts";
import type { RunStatus } from "../../src/contract/runs.ts";
import type { Run } from "./run.ts";
import { changeStep, isDeadEnd } from "./schedule.ts";
import type { StepState } from "./state.ts";
import type { StepEnd } from "./steps/kind.ts";
import { isStepOver } from "./transitions.ts";
import { approvalRow, jobRunRow, triggerRow } from "./mirror/view.ts";

/** Changes one step, marks it for the mirror, keeps the schedule. */
export function touch(run: Run, i: number, mutate: (step: StepState) => void): void {
  changeStep(run.plan, run.state, run.schedule, i, (step) => {
    mutate(step);
    step.revision = run.state.revision;
  });
  run.dirty.steps.add(i);
  run.touched.add(i);
  const { approvals, triggers, jobRuns } = run.dirty;
  const approval = approvalRow(run, i);
  if (approval) approvals.set(approval.id, approval);
  const trigger = triggerRow(run, i);
  if (trigger) triggers.set(trigger.id, trigger);
  const jobRun = jobRunRow(run, i);
  if (jobRun) jobRuns.set(jobRun.id, jobRun);
  // Dependents show how many of their dependencies are done: their rows change with this one's.
  for (const d of run.plan.dependents[i] ?? []) markChanged(run, d);
}

function markChanged(run: Run, i: number): void {
  (run.state.steps[i] as StepState).revision = run.state.revision;
  run.dirty.steps.add(i);
}

export const close = (step: StepState, end: StepEnd, at: number): void => {
  end.gate?.(step);
  if (step.approval?.status === "pending") step.approval.status = "canceled";
  if (step.trigger?.status === "waiting") {
    step.trigger.status = "canceled";
    step.trigger.error ??= end.status === "canceled" ? "workflow canceled" : undefined;
  }
  step.status = end.status;
  step.finished_at = at;
  step.error = end.error;
  step.cause = end.cause;
  step.deadline = undefined;
  step.between_attempts = undefined;
  step.asking = undefined;
  step.found = undefined;
  if (end.output) step.output = end.output;
};

/** Ends a step and lets its failure policy do the rest (docs/state-machine.md, When a step fails). */
export function endStep(run: Run, i: number, end: StepEnd, at: number): void {
  touch(run, i, (step) => close(step, end, at));
  const plan = run.plan.steps[i];
  if (end.status === "failed" && plan?.on_failure === "fail_workflow") endRun(run, "failed", at, end.error);
  else skipUnreachable(run, i, at);
}

/** A step whose own work succeeded: its event_emit_key is to be sent (not after an override). */
export function completeStep(
  run: Run,
  i: number,
  output: JsonDoc | undefined,
  at: number,
  gate?: StepEnd["gate"],
): void {
  const { event_emit_key, step_type } = run.plan.steps[i] ?? {};
  const emits = event_emit_key && (step_type === "job" || step_type === "wait_for_event" || step_type === "sleep");
  endStep(
    run,
    i,
    {
      status: "completed",
      output,
      gate: (step) => {
        gate?.(step);
        if (emits) step.emitting = true;
      },
    },
    at,
  );
}

/** What needs a step that ended badly can't run: it is skipped, and what needs that, and so on. What has ended or begun stays. */
export function skipUnreachable(run: Run, from: number, at: number): void {
  const open = [from];
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    if (!isDeadEnd(run.plan, run.state, i)) continue;
    for (const d of run.plan.dependents[i] ?? []) {
      const step = run.state.steps[d];
      if (!step || isStepOver(step.status) || step.started_at !== undefined) continue;
      touch(run, d, (s) => close(s, { status: "skipped", cause: "dependency" }, at));
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
  for (const [i, step] of state.steps.entries()) {
    if (!isStepOver(step.status)) touch(run, i, (s) => close(s, { status: "canceled", error: stepError }, at));
  }
}
