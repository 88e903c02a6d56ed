import type { CommandOutcome } from "../command.ts";
import { type Plan, RULES, type RunHeader } from "../plan.ts";
import type { ApprovalRow, RunRow, StepRow, TriggerRow } from "./rows.ts";
import { initialRun } from "../run.ts";
import type { RunState } from "../state.ts";
import { approvalState } from "../steps/approval.ts";
import { triggerState } from "../steps/trigger.ts";

/**
 * What is fixed about a stored run, for a run that begins again from it, by today's rules. Its parent's expiry is not kept:
 * a reopened child has only its own time limit.
 */
export function headerOf(row: RunRow): RunHeader {
  const { status, error, started_at, finished_at, expires_at, revision, ...header } = row;
  return { ...header, rules: RULES };
}

/**
 * The steps of a run's version at the places that they have in the run: there, those that came with another version are the last.
 * Such a run has a row of each; of any other run, a step without a row is where its definition has it.
 */
export function placed<Step extends Pick<StepRow, "step_ref">>(steps: Step[], rows: Place[]): Step[] {
  if (rows.every(({ idx, step_ref }) => steps[idx]?.step_ref === step_ref)) return steps;
  const places = new Map(rows.map(({ idx, step_ref }) => [step_ref, idx]));
  return [...steps].sort((a, b) => (places.get(a.step_ref) ?? 0) - (places.get(b.step_ref) ?? 0));
}

type Place = Pick<StepRow, "idx" | "step_ref">;

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
    // A reset step has no approval any more; the row is that of its former one. Older rows do not say of which attempt they are.
    const isOwn = gate?.attempt === undefined ? gate?.requested_at === started_at : gate.attempt === attempt;
    const approval = gate && isOwn ? approvalState(gate) : undefined;
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
    if (step) step.trigger = triggerState(trigger);
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
