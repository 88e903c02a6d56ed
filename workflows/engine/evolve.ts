import { leaveAttempt } from "./mirror/attempts.ts";
import type { CommandOutcome } from "./command.ts";
import { applyCommand } from "./commands.ts";
import { endRun, endStep, touch } from "./ending.ts";
import type { RunEvent } from "./events.ts";
import { mostAttempts, nextAttemptAt } from "./steps/retries.ts";
import type { PlanStep } from "./plan.ts";
import { openGate } from "./steps/gate/opening.ts";
import type { Run } from "./run.ts";
import { conditionTests } from "./references/facts.ts";
import { tellEnd } from "./reasons/tell.ts";
import { isDeadEnd } from "./schedule.ts";
import type { StepState } from "./state.ts";
import { STEP_KINDS } from "./steps/index.ts";
import { isStale, parentOf } from "./stale.ts";
import { isRunOver } from "./transitions.ts";
import { replyOf } from "./mirror/view.ts";
import { ofStep } from "./steps/of-step.ts";

/** More commands than this are remembered by the mirror only. */
const REMEMBERED_COMMANDS = 2000;
const REMEMBERED_REPLIES = 100;
const MAX_SIGNAL_NAME = 100;

/**
 * What an event makes of a run. The run given is changed and returned: copying thousands of steps for each event
 * would make large runs slow, and nobody else holds it. The same events on an equal run give an equal run.
 * An event about work that no longer counts (the step ended or was reset meanwhile) changes nothing.
 */
export function evolve(run: Run, happened: RunEvent): Run {
  const { plan, state } = run;
  const event = inOrder(run, happened);
  const { at } = event;

  if (event.type === "command") {
    if (run.outcomes.has(event.id)) return run;
    state.revision = nextRevision(state, at);
    const { id, verb, actor, step_ref } = event;
    remember(run, { id, verb, actor, step_ref, at, ...applyCommand(run, event) });
    return run;
  }
  if (event.type === "unknown_signal") {
    state.revision = nextRevision(state, at);
    const { id, name, message } = event;
    const verb = name.slice(0, MAX_SIGNAL_NAME);
    remember(run, { id, verb, actor: "temporal", at, status: "refused", code: "not_found", message });
    return run;
  }
  if (event.type === "emitted") {
    const step = state.steps[event.step];
    // Changes nothing that anyone is shown, so it is no new revision.
    if (step?.generation === event.generation) step.emitting = undefined;
    return run;
  }
  if (event.type === "wait_opened") {
    // The key counts also when the step has ended or was reset meanwhile: without it the mirror could not say that nobody
    // waits under it any more. But not when the step waits again: then its own wait_opened is still to come.
    const { generation, trigger } = state.steps[event.step] ?? {};
    if (generation === undefined || (generation !== event.generation && trigger?.status === "waiting")) return run;
    state.revision = nextRevision(state, at);
    touch(run, event.step, (step) => {
      step.trigger ??= { status: "canceled", requested_at: at, error: "step was reset" };
      step.trigger.event_key = event.event_key;
      if (event.notify && step.trigger.status === "waiting") step.trigger.notify_status = "pending";
    });
    return run;
  }
  if (event.type === "notified") {
    // Also when the step has ended meanwhile: who was told may have sent the event at once.
    if (state.steps[event.step]?.generation !== event.generation) return run;
    state.revision = nextRevision(state, at);
    touch(run, event.step, ({ trigger }) => {
      if (trigger) trigger.notify_status = event.status;
    });
    return run;
  }
  if (isRunOver(state.status) || isStale(run, event)) return run;
  if (event.type === "values_asked" || event.type === "values_found") {
    const step = state.steps[event.step] as StepState;
    // Nobody is shown this either.
    step.asking = event.type === "values_asked" ? true : undefined;
    if (event.type === "values_found") step.found = { ...step.found, ...event.found };
    run.touched.add(event.step);
    return run;
  }

  state.revision = nextRevision(state, at);
  switch (event.type) {
    case "step_started":
      touch(run, event.step, (step) => {
        const definition = plan.steps[event.step];
        if (!definition) return;
        const kind = STEP_KINDS[definition.step_type];
        step.found = undefined;
        step.status = kind.open;
        step.started_at = at;
        kind.begin({ plan, i: event.step, definition, step }, at);
      });
      break;
    case "attempt_started":
      beginNextAttempt(run, event.step, at);
      break;
    case "step_skipped":
      tellEnd(run, event.step, { reason: "condition", tests: conditionTests(run, event.step) }, at);
      endStep(run, event.step, { status: "skipped", cause: "condition" }, at);
      break;
    case "step_failed":
      endStep(run, event.step, { status: "failed", error: event.error }, at);
      break;
    case "run_finished": {
      const failed = [...state.steps.keys()].filter(
        (i) => state.steps[i]?.status === "failed" && isDeadEnd(plan, state, i),
      );
      // The error is the run's own only where one step failed the workflow.
      const fatal = failed.find((i) => plan.steps[i]?.on_failure === "fail_workflow");
      endRun(run, failed.length > 0 ? "failed" : "completed", at, state.steps[fatal ?? -1]?.error);
      break;
    }
    case "cancel_requested":
      endRun(run, "canceled", at, "canceled by user", "workflow canceled by user");
      break;
    case "run_expired":
      // A retry may have come first and given the run a new time limit.
      if (isTimeOver(run, at)) endRun(run, "timed_out", at, "workflow timed out");
      break;
    case "ended_outside":
      endRun(run, event.status, at, event.error, event.error ?? "what became of the step was not stored");
      break;
    case "parent_closed": {
      const why = event.status === "timed_out" ? "parent workflow timed out" : "parent workflow canceled";
      endRun(run, event.status, at, why, why);
      break;
    }
    case "attempt_completed":
      endStep(run, event.step, { status: "completed", output: event.output }, at);
      break;
    case "attempt_failed": {
      const of = ofStep(run, event.step);
      if (!of) break;
      const retryAt = nextAttemptAt(of.definition, of.step, event);
      touch(run, event.step, (s) => {
        s.last_failure = { class: event.class, error: event.error, at, most: mostAttempts(of.definition, event) };
        s.deadline = retryAt;
        if (retryAt !== undefined && waitsForPlaces(run)) s.between_attempts = true;
      });
      if (retryAt === undefined) endStep(run, event.step, { status: "failed", error: event.error }, at);
      break;
    }
    case "deadline_passed": {
      const of = ofStep(run, event.step);
      if (!of) break;
      const end = STEP_KINDS[of.definition.step_type].onDeadline(of, at);
      if (end === "next attempt" && of.step.between_attempts) {
        touch(run, event.step, (s) => {
          s.deadline = undefined;
        });
      } else if (end === "next attempt") beginNextAttempt(run, event.step, at);
      else if (end.status === "changed") touch(run, event.step, end.gate);
      else endStep(run, event.step, end, at);
      break;
    }
    case "gate_opened":
      touch(run, event.step, (step) => openGate(plan.steps[event.step] as PlanStep, step, at, event));
      break;
    case "wait_refused":
    case "child_refused":
      endStep(run, event.step, { status: "failed", error: event.error }, at);
      break;
    case "child_started":
      touch(run, event.step, (step) => {
        step.child_started = true;
      });
      break;
    case "child_ended": {
      const i = parentOf(run, event.child_run_id, event.life);
      touch(run, i, (step) => {
        step.child_ended = event.child_run_id;
      });
      if (event.status === "completed") endStep(run, i, { status: "completed", output: event.output }, at);
      // A child never has more time than its parent: the parent's is over too, though its own event comes later.
      else if (event.status === "timed_out" && isTimeOver(run, at)) endRun(run, "timed_out", at, "workflow timed out");
      else {
        const ended = event.status === "failed" ? "failed" : `ended with status ${event.status}`;
        const error = event.error ?? `sub-workflow ${plan.steps[i]?.sub_workflow_id} ${ended}`;
        endStep(run, i, { status: "failed", error }, at);
      }
      break;
    }
    default:
      event satisfies never;
  }
  return run;
}

/** Since rules 1 a step frees its place between two attempts, and the next attempt waits for a free one. */
const waitsForPlaces = ({ plan }: Run): boolean => (plan.run.rules ?? 0) >= 1;

function beginNextAttempt(run: Run, i: number, at: number): void {
  leaveAttempt(run, i, at);
  touch(run, i, (step) => {
    step.attempt++;
    step.attempt_started_at = at;
    step.deadline = undefined;
    step.between_attempts = undefined;
  });
}

function remember(run: Run, outcome: CommandOutcome): void {
  const { commands } = run.state;
  run.outcomes.set(outcome.id, outcome);
  run.replies.set(outcome.id, replyOf(run, outcome.step_ref));
  if (run.replies.size > REMEMBERED_REPLIES) run.replies.delete(run.replies.keys().next().value ?? "");
  commands.push(outcome);
  run.dirty.commands.push(outcome);
  if (commands.length > REMEMBERED_COMMANDS) run.outcomes.delete(commands.shift()?.id ?? "");
}

/** A run's clock and that of the process that plays it ahead may be this far apart. */
const MOMENT_MS = 2_000;

/** No event is dated before the one that it follows, even if the clock that dated it says so. */
function inOrder({ plan, state }: Run, event: RunEvent): RunEvent {
  if ((plan.run.rules ?? 0) < 1) return event;
  const { latest = plan.run.created_at } = state;
  const isBehind = event.at < latest && latest - event.at < MOMENT_MS;
  state.latest = isBehind ? latest : event.at;
  return isBehind ? { ...event, at: latest } : event;
}

const isTimeOver = ({ state: { expires_at } }: Run, at: number): boolean =>
  expires_at !== undefined && at >= expires_at;

/**
 * Grows with every event, and also with time: a workflow task may have been mirrored, and lost with its worker before it
 * was recorded. What happens when the task is made again has to count as newer, even if it takes fewer events.
 */
const nextRevision = ({ revision }: Run["state"], at: number): number => Math.max(revision + 1, Math.round(at * 1000));
