import { stepRunId } from "../ids.ts";
import type { TriggerRow } from "../mirror/rows.ts";
import type { StepState, TriggerState } from "../state.ts";
import type { StepEnd, StepOf } from "./kind.ts";

/** What an approval, a wait and a sleep listen on while they are open. Without `expires_at` it has no end. */
export function openTrigger(step: StepState, at: number, expires_at: number | undefined): void {
  step.deadline = expires_at;
  step.trigger = { status: "waiting", requested_at: at, expires_at };
}

export function closeTrigger({ trigger }: StepState, { status, reset }: StepEnd): void {
  if (trigger?.status !== "waiting") return;
  trigger.status = "canceled";
  if (reset) trigger.error = "step was reset";
  else if (status === "canceled") trigger.error ??= "workflow canceled";
}

type Source = TriggerRow["source"];

const ID_PREFIX: Record<Source, string> = { wait_for_event: "evt:", approval: "evt:approval:", sleep: "slp:" };

/** Id of the event trigger of a step. */
export const triggerId = (source: Source, stepRun: string): string => ID_PREFIX[source] + stepRun;

/** 0: it has no end. */
export const timeoutSecs = ({ requested_at, expires_at = requested_at }: TriggerState): number =>
  (expires_at - requested_at) / 1000;

/** A trigger without a key is not shown: nobody could send to it. */
export function triggerRow(
  { plan, i, definition, step }: StepOf,
  source: Source,
  event_key: string | undefined,
): TriggerRow | undefined {
  const { trigger, revision } = step;
  if (!trigger || event_key === undefined) return undefined;
  const step_run_id = stepRunId(plan.run.id, i);
  return {
    id: triggerId(source, step_run_id),
    project_id: plan.run.project_id,
    run_id: plan.run.id,
    step_run_id,
    step_ref: definition.step_ref,
    source,
    timeout_secs: timeoutSecs(trigger),
    notify_url: definition.event_notify_url,
    ...trigger,
    event_key,
    revision,
  };
}

/** Of an open step, as its row tells it. */
export const triggerState = (row: TriggerRow): TriggerState => {
  const { status, event_key, requested_at, expires_at, notify_status } = row;
  return { status, event_key, requested_at, expires_at, notify_status };
};
