import type { StepType } from "../../../src/contract/workflows.ts";
import { stepRunId } from "../ids.ts";
import type { ApprovalRow, JobRunRow, RunRow, Shown, StepRow, TriggerRow } from "./rows.ts";
import type { Run } from "../run.ts";
import type { StepState } from "../state.ts";

/** What a run shows of itself: the rows that queries answer and the mirror writes. */
export function runRow({ plan, state }: Run): RunRow {
  const { expires_no_later_than: _, rules: __, ...header } = plan.run;
  const { status, error, started_at, finished_at, expires_at, revision } = state;
  const { payload = header.payload, step_payloads = header.step_payloads } = state;
  return { ...header, payload, step_payloads, status, error, started_at, finished_at, expires_at, revision };
}

export function stepRow(run: Run, i: number): StepRow {
  const { plan, state, schedule } = run;
  const step = state.steps[i];
  const definition = plan.steps[i];
  if (!step || !definition) throw new RangeError(`no step ${i}`);
  return {
    id: stepRunId(plan.run.id, i),
    run_id: plan.run.id,
    idx: i,
    workflow_step_id: definition.id,
    step_ref: definition.step_ref,
    status: step.status,
    attempt: step.attempt,
    generation: step.generation,
    cause: step.cause,
    deps_completed: schedule.depsCompleted[i] ?? 0,
    deps_required: definition.depends_on.length,
    job_run_id: step.job_run_id,
    child_run_id: step.child_started || step.child ? step.child_run_id : undefined,
    output: step.output,
    error: step.error,
    started_at: isListening(definition.step_type, step) ? step.started_at : undefined,
    attempt_started_at: step.attempt_started_at,
    finished_at: step.finished_at,
    created_at: plan.run.created_at,
    revision: step.revision,
  };
}

/** Whoever sees that a wait has started may send to it: so it shows no start before its key is registered. */
const isListening = (type: StepType, { status, trigger }: StepState): boolean =>
  type !== "wait_for_event" || status !== "waiting" || trigger === undefined || trigger.event_key !== undefined;

export function approvalRow(run: Run, i: number): ApprovalRow | undefined {
  const { plan, state } = run;
  const { approval, revision } = state.steps[i] ?? {};
  if (!approval || revision === undefined) return undefined;
  const id = stepRunId(plan.run.id, i);
  return {
    id: `approval:${id}`,
    run_id: plan.run.id,
    step_run_id: id,
    approvers: plan.steps[i]?.approval_approvers ?? [],
    ...approval,
    revision,
  };
}

const TRIGGER_ID_PREFIX = { wait_for_event: "evt:", approval: "evt:approval:", sleep: "slp:" } as const;

/** Id of the event trigger of a step. */
export const triggerId = (source: TriggerRow["source"], stepRun: string): string => TRIGGER_ID_PREFIX[source] + stepRun;

export function triggerRow(run: Run, i: number): TriggerRow | undefined {
  const { plan, state } = run;
  const { trigger, revision } = state.steps[i] ?? {};
  const definition = plan.steps[i];
  const source = definition?.step_type;
  if (!trigger || revision === undefined || !definition) return undefined;
  if (source !== "wait_for_event" && source !== "approval" && source !== "sleep") return undefined;
  const event_key = source === "wait_for_event" ? trigger.event_key : `${source}:${plan.run.id}:${definition.step_ref}`;
  if (event_key === undefined) return undefined;
  const step_run_id = stepRunId(plan.run.id, i);
  return {
    id: triggerId(source, step_run_id),
    project_id: plan.run.project_id,
    run_id: plan.run.id,
    step_run_id,
    step_ref: definition.step_ref,
    source,
    timeout_secs: trigger.expires_at === undefined ? 0 : (trigger.expires_at - trigger.requested_at) / 1000,
    notify_url: definition.event_notify_url,
    ...trigger,
    event_key,
    revision,
  };
}

export function jobRunRow(run: Run, i: number): JobRunRow | undefined {
  const { plan, state } = run;
  const step = state.steps[i];
  const definition = plan.steps[i];
  if (!step?.job_run_id || !definition?.job_id) return undefined;
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

/** What a command shows its caller. */
export function shown(run: Run, stepRef: string | undefined): Shown {
  const i = run.plan.index.get(stepRef ?? "");
  if (i === undefined) return { run: runRow(run) };
  return { run: runRow(run), step: stepRow(run, i), approval: approvalRow(run, i), trigger: triggerRow(run, i) };
}
