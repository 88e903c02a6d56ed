import type { GivenOutcome } from "../../src/contract/simulation/outcomes.ts";
import type { Json } from "../../src/contract/json.ts";
import { advance } from "../../workflows/engine/advance.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { evolve } from "../../workflows/engine/evolve.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import { wantedFor } from "../../workflows/engine/references/values.ts";
import type { Run } from "../../workflows/engine/run.ts";
import type { Found, StepState } from "../../workflows/engine/state.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { follow } from "../../workflows/expressions/references.ts";

/** What is asked of the one job of a random plan. */
export const JOB = { max_attempts: 4, timeout_secs: 150, run_ttl_secs: 900 };

/** A large document's reference tells what is in it. */
export const documentOf = (value: Json) => {
  const text = JSON.stringify(value);
  return text.length > 1024 ? { ref: text } : { text };
};

/**
 * Plays a run to its end in the plainest way: each time all that may come next is looked up anew, and the first of it comes. The
 * run's time limit comes before what ends at the same moment. Of two others either may: then it is for nobody to say how the run
 * ends, and it is undefined.
 */
export function playPlainly(run: Run, outcomes: Record<string, GivenOutcome>): Run | undefined {
  let now = run.state.started_at;
  advance(run, now);
  for (let turn = 0; !isRunOver(run.state.status); turn++) {
    if (turn > 20_000) throw new Error("the run hangs");
    const coming = run.plan.steps.flatMap((step, i) => comingOf(run, step, i, outcomes[step.step_ref] ?? {}));
    const { expires_at } = run.state;
    if (expires_at !== undefined) coming.unshift({ at: expires_at, event: { at: expires_at, type: "run_expired" } });
    const [first, second] = coming.sort((a, b) => a.at - b.at);
    // Too few may decide a gate.
    if (!first) return run;
    if (first.event.type !== "run_expired" && first.at > now && first.at === second?.at) return undefined;
    now = Math.max(now, first.at);
    evolve(run, { ...first.event, at: now });
    advance(run, now);
  }
  return run;
}

type Coming = { at: number; event: RunEvent };

function comingOf(run: Run, step: PlanStep, i: number, given: GivenOutcome): Coming[] {
  const state = run.state.steps[i] as StepState;
  const { generation, attempt, started_at = 0 } = state;
  const news = { at: 0, step: i, generation };
  const work = workOf(run, i);
  const coming = work.flatMap((each): Coming[] => {
    switch (each.kind) {
      case "timer":
        return [{ at: each.until, event: { ...news, type: "deadline_passed", deadline: each.until } }];
      case "look-up":
        return [{ at: 0, event: { ...news, type: "values_found", found: foundFor(run, i) } }];
      case "open-gate":
        return [{ at: 0, event: { ...news, ...openedGate(step) } }];
      case "open-wait":
        return [{ at: 0, event: { ...news, type: "wait_opened", event_key: step.event_key ?? "" } }];
      case "notify":
        return [{ at: 0, event: { ...news, type: "notified", status: "sent" } }];
      case "emit":
        return [{ at: 0, event: { ...news, type: "emitted" } }];
      case "dispatch":
        return [attemptOf(state, news, attempt, given)];
      case "child":
        return state.child_started
          ? [childOf(each.child_run_id, started_at, given)]
          : [{ at: 0, event: { ...news, type: "child_started" } }];
      default:
        return each satisfies never;
    }
  });
  const isOpen = state.status === "waiting" && state.started_at !== undefined && !given.times_out;
  const end = isOpen && work.every(({ kind }) => !kind.startsWith("open-")) ? decidedBy(run, i, given) : undefined;
  return end
    ? [...coming, { at: started_at + (given.duration_ms ?? 0), event: { ...news, ...end } as RunEvent }]
    : coming;
}

function attemptOf(
  state: StepState,
  news: object,
  attempt: number,
  { failure, output, duration_ms = 0 }: GivenOutcome,
) {
  const began = state.attempt_started_at ?? state.started_at ?? 0;
  const left = (state.started_at ?? 0) + JOB.run_ttl_secs * 1000 - began;
  const limit = Math.min(JOB.timeout_secs * 1000, left);
  const isLate = duration_ms > limit || left <= 0;
  const fails = failure && attempt <= (failure.attempts ?? attempt);
  const at = began + Math.max(0, Math.min(duration_ms, limit));
  if (!isLate && !fails)
    return {
      at,
      event: { ...news, type: "attempt_completed", attempt, output: output && documentOf(output) } as RunEvent,
    };
  const late = limit < JOB.timeout_secs * 1000 ? `run_ttl_secs is over: ${JOB.run_ttl_secs}` : "execution timed out";
  const retryAfter = isLate ? undefined : failure?.retry_after_secs;
  const event = {
    ...news,
    type: "attempt_failed",
    attempt,
    class: isLate ? "timeout" : (failure?.class ?? "server"),
    error: isLate ? late : (failure?.error ?? "attempt failed"),
    job_max_attempts: JOB.max_attempts,
    job_ttl_secs: JOB.run_ttl_secs,
    retry_after_ms: retryAfter === undefined ? undefined : retryAfter * 1000,
    random: 0.5,
  };
  return { at, event: event as RunEvent };
}

function childOf(child_run_id: string, started_at: number, { failure, output, duration_ms = 0 }: GivenOutcome): Coming {
  const end = failure
    ? ({ status: "failed", error: failure.error } as const)
    : ({ status: "completed", output: output === undefined ? { text: "{}" } : documentOf(output) } as const);
  return { at: started_at + duration_ms, event: { at: 0, type: "child_ended", child_run_id, ...end } };
}

function decidedBy(run: Run, i: number, given: GivenOutcome) {
  const { step_type, step_ref } = run.plan.steps[i] as PlanStep;
  const { event, failure, decision, reason } = given;
  if (step_type === "sleep") return undefined;
  if (failure) return { type: "wait_refused", error: failure.error };
  const result = event === undefined ? undefined : documentOf(event);
  const sent = { type: "command", step_ref, reason, result };
  if (step_type === "wait_for_event") return { ...sent, id: step_ref, verb: "send-event", actor: "anyone" };
  const voter = nextVoter(run, i);
  const { approval_options: options } = run.plan.steps[i] as PlanStep;
  const verb = decision === "reject" ? "reject" : options ? "choose" : "approve";
  return voter && { ...sent, ...voter, id: `${step_ref} ${voter.actor}`, verb, option: options?.[0] };
}

/** The payloads of random plans name nobody. */
function openedGate({ approval_approvers = [] }: PlanStep) {
  const n = approval_approvers.findIndex((name) => name.startsWith("{{"));
  if (n < 0) return { type: "gate_opened" } as const;
  return { type: "wait_refused", error: `approval_approvers[${n}]: payload.boss has no value` } as const;
}

/** The first of its approvers, and then of as many members of each group as are needed, who may and has not voted. */
function nextVoter({ plan, state }: Run, i: number) {
  const {
    approval_approvers: asked = [],
    approvals_required: required = 1,
    approval_exclude: exclude = [],
  } = plan.steps[i] as PlanStep;
  const approvers = state.steps[i]?.approval?.approvers ?? asked;
  const members = (name: string, groups?: string[]) =>
    Array.from({ length: required }, (_, n) => ({ actor: n === 0 ? name : `${name} ${n + 1}`, groups }));
  const people = approvers.filter((name) => !name.startsWith("group:")).map((actor) => ({ actor, groups: undefined }));
  const groups = approvers.filter((name) => name.startsWith("group:")).map((name) => name.slice(6));
  const all =
    approvers.length === 0
      ? members("anyone")
      : [...people, ...groups.flatMap((group) => members(`a member of ${group}`, [group]))];
  const votes = state.steps[i]?.approval?.votes ?? [];
  const approved = state.steps.flatMap(({ approval }, j) =>
    j === i ? [] : (approval?.votes ?? []).filter(({ decision }) => decision === "approve").map(({ actor }) => actor),
  );
  return all.find(
    ({ actor }) =>
      votes.every((vote) => vote.actor !== actor) &&
      !(exclude.includes("created_by") && actor === plan.run.created_by) &&
      !(exclude.includes("previous_approvers") && approved.includes(actor)),
  );
}

function foundFor(run: Run, i: number): Record<string, Found> {
  const found = wantedFor(run, i).map(({ key, document, path }): [string, Found] => {
    const value = follow(path, JSON.parse(document) as Json);
    return [key, value === undefined ? { nothing: true } : { text: JSON.stringify(value) }];
  });
  return Object.fromEntries(found);
}
