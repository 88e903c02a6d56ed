import type { CommandOutcome } from "./command.ts";
import { type Plan, RULES, type RunHeader } from "./plan.ts";
import type { ApprovalRow, RunRow, StepRow, TriggerRow } from "./rows.ts";
import { initialRun } from "./run.ts";
import type { ApprovalState, RunState, TriggerState } from "./state.ts";

/**
 * What a run's row says that its whole life does not change: for what begins anew from it, by today's rules. Its parent's
 * expiry is not kept: a child that is reopened is on its own.
 */
export function headerOf(row: RunRow): RunHeader {
  const { status, error, started_at, finished_at, expires_at, revision, ...header } = row;
  return { ...header, rules: RULES };
}

/** The state of a run as its mirrored rows tell it. A step without a row never changed. `waiting`: what an open one listens on. */
export function mirroredState(
  plan: Plan,
  row: RunRow,
  rows: StepRow[],
  commands: CommandOutcome[],
  approvals: ApprovalRow[] = [],
  waiting: TriggerRow[] = [],
): RunState {
  const { state } = initialRun(plan);
  const gates = new Map(approvals.map((gate) => [gate.step_run_id, gate]));
  for (const {
    id,
    idx,
    status,
    attempt,
    generation,
    cause,
    job_run_id,
    child_run_id,
    output,
    error,
    started_at,
    attempt_started_at,
    finished_at,
    revision,
  } of rows) {
    const ended = { status, attempt, first_attempt: attempt, generation, revision };
    const step = { ...ended, cause, job_run_id, output, error, started_at, attempt_started_at, finished_at };
    const gate = gates.get(id);
    // A reset step does not know its former gate any more.
    const approval = gate?.requested_at === started_at ? approvalOf(gate) : undefined;
    state.steps[idx] = {
      ...step,
      approval,
      child_run_id,
      child_started: child_run_id === undefined ? undefined : true,
    };
  }
  // A key may have been claimed before its step was mirrored as waiting.
  for (const trigger of waiting) {
    const step = state.steps[plan.index.get(trigger.step_ref) ?? -1];
    if (step) step.trigger = triggerOf(trigger);
  }
  const { status, error, started_at, finished_at, expires_at, revision } = row;
  return {
    ...state,
    status,
    error,
    started_at: started_at ?? row.created_at,
    finished_at,
    expires_at,
    revision,
    commands,
  };
}

function approvalOf(gate: ApprovalRow | undefined): ApprovalState | undefined {
  if (!gate) return undefined;
  const { status, requested_at, expires_at, approved_by, approved_at, error } = gate;
  return { status, requested_at, expires_at, approved_by, approved_at, error };
}

function triggerOf({ status, event_key, requested_at, expires_at, notify_status }: TriggerRow): TriggerState {
  return { status, event_key, requested_at, expires_at, notify_status };
}
