import { obey, type Order } from "./reference-commands.ts";
import { endRun, endStep, finish, succeed } from "./reference-endings.ts";
import { lookAtGate, nextLook } from "./gates/times.ts";
import { isOver, type Next, type ReferenceRun, type ReferenceStep } from "./reference-run.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import type { RenderedGate } from "../../workflows/engine/state.ts";

type ChildEnded = Extract<RunEvent, { type: "child_ended" }>;
type OfChild = Omit<ChildEnded, "child_run_id"> & { step: number; generation: number };
type Told = Exclude<RunEvent, { type: Next["type"] | "command" | "unknown_signal" | "child_ended" }>;

/** What the outside tells a run; of a child by whose it is. */
export type Happening = Told | OfChild | Order;

export function hear(run: ReferenceRun, event: Happening): void {
  const { at } = event;
  switch (event.type) {
    case "command":
      if (!run.verdicts.has(event.id)) run.verdicts.set(event.id, obey(run, event));
      return;
    case "cancel_requested":
      if (!isOver(run)) endRun(run, "canceled", at, "canceled by user", "workflow canceled by user");
      return;
    case "run_expired":
      if (!isOver(run) && isTimeOver(run, at)) endRun(run, "timed_out", at, "workflow timed out");
      return;
    case "parent_closed": {
      const why = `parent workflow ${event.status === "canceled" ? "canceled" : "timed out"}`;
      if (!isOver(run)) endRun(run, event.status, at, why, why);
      return;
    }
    case "ended_outside": {
      const why = event.error ?? "what became of the step was not stored";
      if (!isOver(run)) endRun(run, event.status, at, event.error, why);
      return;
    }
  }
  const step = run.steps[event.step];
  if (!step) return;
  const isOfThisLife = step.life === event.generation;
  if (event.type === "emitted") {
    if (isOfThisLife) step.emitting = false;
  } else if (event.type === "notified") {
    // Who was told may have sent the event at once.
    if (isOfThisLife && step.trigger) step.trigger.notify_status = event.status;
  } else if (event.type === "wait_opened") {
    // Whose life is over has opened a wait that nobody waits for any more; unless it is opened anew.
    if (!isOfThisLife && step.trigger?.status === "waiting") return;
    step.trigger ??= { status: "canceled", requested_at: at, error: "step was reset" };
    step.trigger.event_key = event.event_key;
    if (event.notify && step.trigger.status === "waiting") step.trigger.notify_status = "pending";
  } else if (isOfThisLife && !isOver(step)) {
    hearOfStep(run, event.step, step, event);
  }
}

type StepNews = Exclude<Extract<Happening, { generation: number }>, { type: "emitted" | "wait_opened" | "notified" }>;

function hearOfStep(run: ReferenceRun, i: number, step: ReferenceStep, event: StepNews): void {
  const { at } = event;
  switch (event.type) {
    case "attempt_completed":
      if (step.attempt === event.attempt && !step.rests) succeed(run, i, event.output, at);
      break;
    case "attempt_failed": {
      if (step.attempt !== event.attempt || step.rests) break;
      const since = at - (step.started_at ?? at);
      const delay = delayAfter(run.definitions[i] as PlanStep, [...step.failures, event.class], event, since);
      step.failures.push(event.class);
      if (delay === undefined) endStep(run, i, { status: "failed", error: event.error }, at);
      else Object.assign(step, { due: at + delay, rests: true });
      break;
    }
    case "deadline_passed":
      if (step.due === event.deadline) beDue(run, i, step, at);
      break;
    case "values_found":
      step.asking = false;
      for (const key of Object.keys(event.found)) step.lookedUp.add(key.split(" ")[0] as string);
      break;
    case "gate_opened":
      if (!step.approval) openGate(step, run.definitions[i] as PlanStep, at, event);
      break;
    case "wait_refused":
    case "child_refused":
      endStep(run, i, { status: "failed", error: event.error }, at);
      break;
    case "child_started":
      (step.child as { begun: boolean }).begun = true;
      break;
    case "child_ended": {
      const { status, output } = event;
      const ended = status === "failed" ? "failed" : `ended with status ${status}`;
      const error = event.error ?? `sub-workflow ${run.definitions[i]?.sub_workflow_id} ${ended}`;
      if (status === "completed") succeed(run, i, output, at);
      else if (status === "timed_out" && isTimeOver(run, at)) endRun(run, "timed_out", at, "workflow timed out");
      else endStep(run, i, { status: "failed", error }, at);
      break;
    }
  }
}

const isTimeOver = ({ expires_at }: ReferenceRun, at: number): boolean => expires_at !== undefined && at >= expires_at;

/** The pause after these failed attempts, in ms, or none: the step has failed. */
function delayAfter(
  definition: PlanStep,
  failures: string[],
  event: Extract<Happening, { type: "attempt_failed" }>,
  since: number,
): number | undefined {
  const [last = "", before] = failures.toReversed();
  if (["client", "auth", "budget", "oom"].includes(last)) return undefined;
  const mostAttempts = definition.retry_max_attempts;
  if (failures.length >= (mostAttempts || event.job_max_attempts)) return undefined;
  if (!mostAttempts && failures.length >= 3 && last === before) return undefined;
  const initial = definition.retry_initial_delay_secs || 1;
  const most = definition.retry_max_delay_secs || 3600;
  const doubled = Math.min(initial * 2 ** (failures.length - 1), most);
  const own = definition.retry_backoff === "fixed" ? initial : doubled;
  const { retry_backoff, retry_initial_delay_secs, retry_max_delay_secs } = definition;
  const isOwn = retry_backoff === "fixed" || retry_initial_delay_secs || retry_max_delay_secs;
  const secs = isOwn ? own : (event.job_delay_secs ?? own);
  const asked = Math.min(event.retry_after_ms ?? 0, most * 1000);
  const delay = Math.max(Math.round(secs * 1000 * (0.8 + 0.4 * event.random)), asked);
  return event.job_ttl_secs && since + delay >= event.job_ttl_secs * 1000 ? undefined : delay;
}

/** Its time has come: a job may make its next attempt, a sleep ends, it is too late for an event or an approval. */
function beDue(run: ReferenceRun, i: number, step: ReferenceStep, at: number): void {
  step.due = undefined;
  switch (run.definitions[i]?.step_type) {
    case "sleep": {
      const slept_for_secs = (at - (step.started_at as number)) / 1000;
      const completed_at = new Date(at).toISOString().replace(/\.?0*Z$/, "Z");
      Object.assign(step.trigger as object, { status: "received", received_at: at });
      succeed(run, i, { text: JSON.stringify({ slept_for_secs, completed_at }) }, at);
      break;
    }
    case "wait_for_event":
      Object.assign(step.trigger as object, { status: "timed_out", error: "event trigger timed out" });
      endStep(run, i, { status: "failed", error: "event trigger timed out" }, at);
      break;
    case "approval":
      lookAtGate(run, i, at);
      break;
  }
}

/** What the run does by itself. */
export function proceed(run: ReferenceRun, next: Next, at: number, conditionError?: string): void {
  switch (next.type) {
    case "run_finished":
      finish(run, at);
      break;
    case "values_asked":
      (run.steps[next.step] as ReferenceStep).asking = true;
      break;
    case "step_skipped":
      endStep(run, next.step, { status: "skipped", cause: "condition" }, at);
      break;
    case "step_failed":
      endStep(run, next.step, { status: "failed", error: conditionError }, at);
      break;
    case "attempt_started":
      beginAgain(run.steps[next.step] as ReferenceStep);
      break;
    case "step_started":
      start(run.steps[next.step] as ReferenceStep, run.definitions[next.step] as PlanStep, at);
      break;
  }
}

function beginAgain(step: ReferenceStep): void {
  step.attempt++;
  step.rests = false;
}

function start(step: ReferenceStep, definition: PlanStep, at: number): void {
  const { step_type, event_timeout_secs, sleep_duration_secs } = definition;
  step.started_at = at;
  if (step_type === "sub_workflow") step.child ??= { life: step.life, begun: false };
  if (step_type === "job" || step_type === "sub_workflow") {
    step.status = "running";
    return;
  }
  const secs = {
    wait_for_event: event_timeout_secs ?? 3600,
    sleep: sleep_duration_secs,
  }[step_type as "wait_for_event" | "sleep"];
  step.status = "waiting";
  if (step_type === "approval") {
    if (!isToBeRendered(definition)) openGate(step, definition, at);
    return;
  }
  step.due = secs ? at + secs * 1000 : undefined;
  step.trigger = { status: "waiting", requested_at: at, expires_at: step.due };
}

/** Who decides it, or what it shows, has to be found out first. */
const isToBeRendered = ({ approval_approvers = [], approval_options }: PlanStep): boolean =>
  approval_options !== undefined || approval_approvers.some((name) => name.startsWith("{{"));

function openGate(step: ReferenceStep, definition: PlanStep, at: number, found?: RenderedGate): void {
  const { approval_timeout_secs: secs } = definition;
  step.due = secs ? at + secs * 1000 : undefined;
  step.trigger = { status: "waiting", requested_at: at, expires_at: step.due };
  const { approvers = definition.approval_approvers ?? [], shown_hash } = found ?? {};
  const requested_at = step.started_at as number;
  step.approval = { status: "pending", requested_at, expires_at: step.due, approvers, shown_hash };
  step.due = nextLook(definition, step);
}
