import { CancellationScope } from "@temporalio/workflow";
import { sourcesOf } from "../../attempt-input.ts";
import { gateToOpen } from "../../gate-to-open.ts";
import type { InboundEvent } from "../../engine/events.ts";
import { stepRunId, traceWithin } from "../../engine/ids.ts";
import type { PlanStep } from "../../engine/plan.ts";
import type { Run } from "../../engine/run.ts";
import type { StepState } from "../../engine/state.ts";
import { wantedFor } from "../../engine/references/values.ts";
import { timeoutSecs, triggerId } from "../../engine/steps/trigger.ts";
import { commandSignals } from "../../messages.ts";
import { stepEffects, stepNotification } from "../../proxies.ts";
import { signalRun } from "../signal-run.ts";

/** What a condition asks for and the run does not hold itself. */
export async function lookUp(
  run: Run,
  step: number,
  { step_ref }: PlanStep,
  { generation }: StepState,
): Promise<InboundEvent> {
  const found = await stepEffects(step_ref).lookUp({ wanted: wantedFor(run, step) });
  return { type: "values_found", step, generation, found };
}

/** Finds out who decides a gate, and what it shows them. */
export async function openGate(
  run: Run,
  step: number,
  definition: PlanStep,
  { generation }: StepState,
): Promise<InboundEvent> {
  const opened = await stepEffects(definition.step_ref).openGate(gateToOpen(run, step));
  if ("refused" in opened) return { type: "wait_refused", step, generation, error: opened.refused };
  return { type: "gate_opened", step, generation, ...opened };
}

/** Begins to wait for an event, under the key as it is rendered now. */
export async function openWait(
  run: Run,
  step: number,
  definition: PlanStep,
  { generation, trigger }: StepState,
): Promise<InboundEvent | undefined> {
  if (!trigger) return undefined;
  const id = stepRunId(run.plan.run.id, step);
  // Not to be cancelled half-way: the key it may have claimed could not be freed then.
  const opened = await CancellationScope.nonCancellable(() =>
    stepEffects(definition.step_ref).openWait({
      trigger_id: triggerId("wait_for_event", id),
      step_run_id: id,
      step_ref: definition.step_ref,
      event_key: definition.event_key ?? "",
      event_timeout_secs: timeoutSecs(trigger),
      requested_at: trigger.requested_at,
      expires_at: trigger.expires_at,
      notify_url: definition.event_notify_url,
      revision: run.state.revision,
      sources: sourcesOf(run, step),
    }),
  );
  const ofStep = { step, generation };
  if ("refused" in opened) return { ...ofStep, type: "wait_refused", error: opened.refused };
  return { ...ofStep, type: "wait_opened", event_key: opened.event_key, notify: opened.notify };
}

/** Tells whoever will send the event where to. An attempt that goes on when the wait ends is heard out. */
export async function notify(
  run: Run,
  step: number,
  { step_ref, event_notify_url = "" }: PlanStep,
  { generation, trigger, attempt }: StepState,
): Promise<InboundEvent> {
  const { id, project_id, trace } = run.plan.run;
  const status = await stepNotification(step_ref)
    .notifyWait({
      trigger_id: triggerId("wait_for_event", stepRunId(id, step)),
      project_id,
      event_key: trigger?.event_key ?? "",
      expires_at: trigger?.expires_at,
      notify_url: event_notify_url,
      ...(trace && { trace: traceWithin(trace, stepRunId(id, step), attempt) }),
    })
    .then(
      () => "sent" as const,
      () => "failed" as const,
    );
  return { type: "notified", step, generation, status };
}

/** Sends the step's output to whoever waits for its event_emit_key. */
export async function emit(
  run: Run,
  step: number,
  definition: PlanStep,
  { generation, output }: StepState,
): Promise<InboundEvent> {
  const { id: run_id } = run.plan.run;
  const event_emit_key = definition.event_emit_key ?? "";
  const command = {
    id: `emit:${stepRunId(run_id, step)}:${generation}`,
    actor: `workflow-run:${run_id}`,
    result: output,
  };
  const asked = { event_emit_key, sources: sourcesOf(run, step), own: command, step: definition.step_ref };
  const waiting = await stepEffects(definition.step_ref).findWaiting(asked);
  if (waiting) {
    const { step_ref, event_key } = waiting;
    await signalRun(waiting.run_id, commandSignals["send-event"], { ...command, step_ref, event_key });
  }
  return { type: "emitted", step, generation };
}
