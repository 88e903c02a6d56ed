import type { JobRunStatus } from "../../src/contract/runs.ts";
import type { StepType } from "../../src/contract/workflows.ts";
import { jobRunId, stepRunId } from "./ids.ts";
import { isRunOfJob } from "./plan.ts";
import type { ApprovalRow, JobRunRow, RunRow, Shown, StepRow, TriggerRow } from "./rows.ts";
import type { Run } from "./run.ts";
import type { StepState } from "./state.ts";

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

/** One that a trigger of its job made is there before it starts, and whether it does or not. */
export function jobRunRow(run: Run, i: number): JobRunRow | undefined {
  const { plan, state } = run;
  const step = state.steps[i];
  const definition = plan.steps[i];
  if (!step || !definition?.job_id) return undefined;
  const { id: run_id, project_id, created_at } = plan.run;
  const isOwn = isRunOfJob(plan);
  const id = step.job_run_id ?? (isOwn ? jobRunId(run_id, i, step.generation) : undefined);
  if (!id) return undefined;
  const hasExpired = isOwn && state.status === "timed_out" && step.status === "canceled";
  return {
    id,
    job_id: definition.job_id,
    project_id,
    run_id,
    step_run_id: stepRunId(run_id, i),
    status: hasExpired ? "expired" : jobRunStatus(step),
    attempt: step.attempt - step.first_attempt + 1,
    output: step.output,
    error: hasExpired ? "run_ttl_secs is over" : errorOf(step),
    created_at: isOwn ? created_at : undefined,
    started_at: step.started_at ?? (isOwn ? undefined : created_at),
    finished_at: step.finished_at,
    revision: step.revision,
  };
}

const errorOf = ({ status, error, last_failure }: StepState): string | undefined =>
  status === "completed" ? undefined : (error ?? last_failure?.error);

function jobRunStatus({ status, last_failure, started_at }: StepState): JobRunStatus {
  if (status === "completed" || status === "canceled") return status;
  if (status === "skipped") return "canceled";
  if (status === "failed") return last_failure?.class === "timeout" ? "timed_out" : "dead_letter";
  return started_at === undefined ? "queued" : "executing";
}

/** What a command shows its caller. */
export function shown(run: Run, stepRef: string | undefined): Shown {
  const i = run.plan.index.get(stepRef ?? "");
  if (i === undefined) return { run: runRow(run) };
  return { run: runRow(run), step: stepRow(run, i), approval: approvalRow(run, i), trigger: triggerRow(run, i) };
}
