import { attemptEnd, endOf, failureDetails } from "./attempt.ts";
import type { End, GateChange, Passed } from "./outcome.ts";
import type { Trace } from "./trace.ts";
import { isVotedOn, votesOn } from "./votes.ts";
import type { World } from "./world.ts";
import type { Command, RunEvent } from "../../workflows/engine/events.ts";
import { partHash } from "../../workflows/engine/gates/part-hash.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import { wantedFor } from "../../workflows/engine/references/values.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { StepState } from "../../workflows/engine/state.ts";
import type { Work } from "../../workflows/engine/steps/kind.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";
import { hasBegun } from "../../workflows/engine/transitions.ts";

/** A simulated run is also to be told how what it only waits for ends. */
export type SimulatedWork = Work | { kind: "end" | "pass"; key: string };

/** What is to happen to the run, and when. */
export interface Coming {
  at: number;
  /** One that follows from how the run stands by then is made of that. */
  event: RunEvent | ((at: number) => Iterable<RunEvent>);
  /** The time is a guess: it comes when nothing else does of which the time is known. */
  isGuess?: boolean;
  /** It is about a step with such an end, which nothing waits for. */
  isOfGuess?: boolean;
}

/** All that goes on for a step: what its run has done for it, and what others decide about it. */
export function simulatedWork(world: World, run: Run, i: number): SimulatedWork[] {
  const definition = run.plan.steps[i] as PlanStep;
  const state = run.state.steps[i] as StepState;
  const work: SimulatedWork[] = workOf(run, i);
  if (!hasBegun(state)) return world.outcomeOf(definition).passed ? [...work, { kind: "pass", key: "pass" }] : work;
  // Nobody can send an event before its key is registered, nor decide a gate before it has opened.
  const isRegistered =
    definition.step_type === "wait_for_event"
      ? state.trigger?.event_key !== undefined
      : definition.step_type !== "approval" || state.approval !== undefined;
  const isDecided = state.status === "waiting" && isRegistered;
  // Where too few could decide a gate, those whom its escalation asks may be enough.
  const level = state.approval?.escalation_level ?? 0;
  return isDecided ? [...work, { kind: "end", key: `end/${state.generation}/${level}` }] : work;
}

/** What comes of work that begins now. */
export function comingOf(world: World, trace: Trace, run: Run, i: number, work: SimulatedWork, now: number): Coming[] {
  const definition = run.plan.steps[i] as PlanStep;
  const { generation, attempt, first_attempt, started_at = now } = run.state.steps[i] as StepState;
  const news = { at: now, step: i, generation };
  const outcome = world.outcomeOf(definition);
  const isOfGuess = endOf(outcome, attempt - first_attempt).isGuess;
  const soon = (event: Coming["event"]): Coming => ({ at: now, event });
  const after = ({ after_ms, isGuess }: End, event: Coming["event"]): Coming => ({
    at: now + after_ms,
    event,
    isGuess,
    isOfGuess: isGuess,
  });
  switch (work.kind) {
    case "dispatch": {
      const { end, text } = attemptEnd(world, run, i, now);
      trace.given(i, text);
      trace.attempts(i, { attempt, started_at: now });
      if (end.is !== "failed") {
        const output = end.is === "completed" ? end.output : undefined;
        return [after(end, { ...news, type: "attempt_completed", attempt, output })];
      }
      const { class: of = "server", error = "attempt failed", retry_after_ms } = end;
      const n = attempt - first_attempt + 1;
      const details = failureDetails(world.jobOf(definition), n, retry_after_ms, outcome.isRecorded);
      return [after(end, { ...news, ...details, type: "attempt_failed", attempt, class: of, error })];
    }
    case "child": {
      const payload = world.payloads.payloadOf(run, i);
      if ("problem" in payload) return [soon({ ...news, type: "child_refused", error: payload.problem })];
      trace.given(i, payload.text);
      const end = endOf(outcome, 0);
      const { child_run_id } = work;
      const ended =
        end.is === "failed"
          ? ({ status: "failed", error: end.error } as const)
          : ({ status: "completed", output: (end.is === "completed" && end.output) || { text: "{}" } } as const);
      return [
        soon({ ...news, type: "child_started" }),
        after(end, { at: now, type: "child_ended", child_run_id, ...ended }),
      ];
    }
    case "open-gate": {
      const opened = world.payloads.gateOf(run, i);
      if ("problem" in opened) return [soon({ ...news, type: "wait_refused", error: opened.problem })];
      return [soon({ ...news, type: "gate_opened", ...opened })];
    }
    case "open-wait": {
      const rendered = world.payloads.keyOf(run, i, "event_key");
      if ("problem" in rendered) return [soon({ ...news, type: "wait_refused", error: rendered.problem })];
      trace.listens(i, rendered.key);
      return [soon({ ...news, type: "wait_opened", event_key: rendered.key })];
    }
    case "emit": {
      const rendered = world.payloads.keyOf(run, i, "event_emit_key");
      if ("key" in rendered) trace.emits(i, rendered.key);
      return [];
    }
    case "look-up":
      return [soon({ ...news, type: "values_found", found: world.documents.lookUp(wantedFor(run, i)) })];
    case "notify":
      return [soon({ ...news, type: "notified", status: "sent" })];
    case "timer":
      return [{ at: work.until, isOfGuess, event: { ...news, type: "deadline_passed", deadline: work.until } }];
    case "end": {
      const end = endOf(outcome, 0);
      const changes = (outcome.changes ?? []).map((change, n) => {
        const at = started_at + change.after_ms;
        return { at, event: { ...changing(definition, change, n, started_at), at } };
      });
      // Of a gate it is counted from its opening, however often it has escalated since.
      const wait = definition.step_type === "approval" ? now - started_at : 0;
      const ending = { ...end, after_ms: Math.max(0, end.after_ms - wait) };
      if (isVotedOn(end)) return [...changes, after(ending, (at) => votesOn(run, i, end, at))];
      const event = endingOf(definition, end, news);
      return event ? [...changes, after(ending, event)] : changes;
    }
    case "pass": {
      const { passed } = outcome;
      if (!passed) return [];
      return [{ at: run.state.started_at + passed.at_ms, event: { ...passing(definition, passed), at: now } }];
    }
  }
}

/** How a step ends that only waits, unless it is voted on. */
function endingOf(
  definition: PlanStep,
  end: Exclude<End, { is: "approved" | "rejected" }>,
  news: News,
): RunEvent | undefined {
  const { step_type, step_ref } = definition;
  const { at } = news;
  switch (end.is) {
    case "skipped":
    case "force-completed":
      return { ...passing(definition, end), at };
    case "completed":
      if (step_type !== "wait_for_event") return undefined;
      return { ...commandTo(step_ref, "send-event", { actor: "anyone", output: end.output }), at };
    case "failed":
      return { ...news, type: "wait_refused", error: end.error ?? "the event did not come" };
    case "left alone":
      return undefined;
  }
}

interface News {
  at: number;
  step: number;
  generation: number;
}

/** Someone changes a gate that opened then. */
const changing = (
  { step_ref }: PlanStep,
  { verb, actor, reason, ...change }: GateChange,
  n: number,
  opened: number,
) => ({
  ...commandTo(step_ref, verb, { actor, reason }),
  id: `${verb} ${step_ref} ${n}`,
  ...("approvers" in change ? { approvers: change.approvers } : { until: rfc3339(opened + change.until_ms) }),
});

/** Someone passes a step over. With values for a form, as they were held to it then. */
export const passing = ({ step_ref, approval_form }: PlanStep, passed: Passed) => ({
  ...commandTo(step_ref, passed.is === "skipped" ? "skip" : "force-complete", passed),
  form_hash: approval_form && partHash(approval_form.text),
});

/** Of each there is one a step at most. */
function commandTo(step_ref: string, verb: Command["verb"], { actor, reason, output }: Omit<Passed, "is">): Command {
  const id = `${verb} ${step_ref}`;
  return { type: "command", id, actor, may_override: true, verb, step_ref, reason, result: output };
}
