import assert from "node:assert/strict";
import fc from "fast-check";
import { decide } from "../../workflows/engine/decide.ts";
import type { RunEvent } from "../../workflows/engine/events.ts";
import { stepRunId } from "../../workflows/engine/ids.ts";
import { type Plan, planOf } from "../../workflows/engine/plan.ts";
import type { TriggerRow } from "../../workflows/engine/rows.ts";
import { initialRun, mirroredState, type Run, type RunState, type StepState, restoredRun } from "../../workflows/engine/state.ts";
import { isRunOver, isStepOver } from "../../workflows/engine/transitions.ts";
import { isMirrored, runRow, takeUnmirrored, triggerId, unmirroredRows } from "../../workflows/engine/view.ts";
import { type Work, workOf } from "../../workflows/engine/work.ts";
import { VERBS, type Verb } from "../../workflows/messages.ts";
import { MirrorModel, plain } from "./mirror-model.ts";
import { BEGIN } from "./plans.ts";
import { evolveWatched, watched } from "./watched.ts";

/** What may happen next; `pick` chooses among what is possible, `hold` lets the next move come before the run goes on. */
const MOVES = { finish: 12, time: 4, command: 6, again: 2, cancel: 0.2, parent: 0.1, take: 2, arrive: 2, look: 1, carry: 1, reopen: 1 };
type Kind = keyof typeof MOVES;
export interface Move {
  kind: Kind;
  pick: number;
  hold: boolean;
}
export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    kind: fc.oneof(...Object.entries(MOVES).map(([kind, weight]) => ({ arbitrary: fc.constant(kind as Kind), weight: weight * 10 }))),
    pick: fc.nat(),
    hold: fc.nat(5).map((n) => n === 0),
  }),
  { minLength: 10, maxLength: 150, size: "max" },
);

/** All that a run was told, in order, to tell it again: events, where nothing was left to decide, and where it was reopened. */
export type Told = RunEvent | { type: "rest" } | { type: "reopened"; state: RunState };

const isOpen = ({ status }: StepState) => status === "pending" || status === "waiting";
const isOver = ({ status }: StepState) => isStepOver(status);
const isGate = ({ approval }: StepState) => approval?.status === "pending";
const waits = ({ trigger }: StepState, type?: string) => type === "wait_for_event" && trigger?.status === "waiting";
/** Which steps a verb is made for. */
const AIMS: Record<Verb, (step: StepState, type?: string) => boolean> = {
  pause: () => true,
  resume: () => true,
  approve: isGate,
  reject: isGate,
  skip: isOpen,
  "force-complete": isOpen,
  retry: isOver,
  "replay-subtree": isOver,
  "send-event": waits,
  "cancel-event": waits,
};

interface Going {
  step: number;
  work: Work;
  generation: number;
  attempt: number;
  revision: number;
}

/** A run in a world like run.ts and perform.ts make it: what goes on follows from the state, and ends in any order. */
export class RandomRun {
  readonly plan: Plan;
  run: Run;
  readonly told: Told[] = [];
  readonly mirror = new MirrorModel();
  readonly #going = new Map<string, Going>();
  /** Cancelled, but not stopped half-way: their news still comes. */
  #orphans: Going[] = [];
  readonly #dispatched = new Set<string>();
  /** Generations at the last reopening: what was over then has rows that are not written again. */
  #reopenedAt: number[] = [];
  #now = BEGIN;
  #commands = 0;

  constructor(plan: Plan, completed: { step_ref: string }[]) {
    this.plan = plan;
    this.run = watched(initialRun(plan, completed));
    this.#goOn();
  }

  move({ kind, pick, hold }: Move): void {
    if (kind === "take") return this.#take();
    if (kind === "arrive") return this.#arrived();
    if (kind === "look") return this.mirror.write(unmirroredRows(this.run));
    if (kind === "carry") return this.#carry();
    if (kind === "reopen") return this.#reopen();
    const event = this.#eventOf(kind, pick);
    if (event) this.#hear(event);
    if (!hold) this.#goOn();
  }

  /** Lets all end that can by itself, then opens what is closed to it, until the run is over. */
  drain(): void {
    this.#goOn();
    for (let turn = 0; turn < 3000; turn++) {
      if (this.#workIds().length > 0) this.#hear(this.#finish(3));
      else if (isRunOver(this.run.state.status)) break;
      else if (this.run.state.status === "paused") this.#hear(this.#commandOf("resume"));
      else this.#open();
      this.#goOn();
    }
    assert(isRunOver(this.run.state.status), "the run hangs");
    assert.equal(this.#going.size, 0);
    this.#flush();
    this.mirror.assertShows(this.run, (i) => this.run.state.steps[i]?.generation !== this.#reopenedAt[i]);
  }

  /** Where nothing goes on by itself any more, a run that is not paused waits for a gate or a timer. */
  #open(): void {
    const gates = this.run.state.steps.flatMap(({ approval }, i) => (approval?.status === "pending" ? [i] : []));
    const step_ref = this.plan.steps[gates[0] ?? -1]?.step_ref;
    if (step_ref !== undefined) return this.#hear(this.#commandOf("approve", step_ref));
    const due = this.#nextDue();
    assert(due, "neither work, nor gate, nor timer, and not over");
    this.#hear(due);
  }

  #hear(event: RunEvent | undefined): void {
    if (!event) return;
    this.told.push(plain(event));
    evolveWatched(this.run, event);
  }

  #goOn(): void {
    for (let next = decide(this.run); next; next = decide(this.run)) this.#hear({ ...next, at: this.#now });
    this.told.push({ type: "rest" });
    this.#align();
  }

  /** As Performance does it; and then looks whether only touched steps needed it. */
  #align(): void {
    const { touched, state } = this.run;
    for (const step of touched) {
      const wanted = new Map(workOf(this.run, step).map((work) => [`${step}/${work.key}`, work]));
      for (const [id, going] of this.#going) if (going.step === step && !wanted.has(id)) this.#stop(id, going);
      const { generation = 0, attempt = 0 } = state.steps[step] ?? {};
      for (const [id, work] of wanted) if (!this.#going.has(id)) this.#begin(id, { step, work, generation, attempt, revision: state.revision });
    }
    touched.clear();
    const wanted = this.plan.steps.flatMap((_, i) => workOf(this.run, i).map(({ key }) => `${i}/${key}`));
    assert.deepEqual(new Set(this.#going.keys()), new Set(wanted), "what goes on is what the state asks for");
  }

  #begin(id: string, going: Going): void {
    if (going.work.kind === "dispatch") {
      assert(!this.#dispatched.has(id), "one dispatch an attempt");
      this.#dispatched.add(id);
    }
    this.#going.set(id, going);
  }

  #stop(id: string, going: Going): void {
    this.#going.delete(id);
    const { child_started } = this.run.state.steps[going.step] ?? {};
    if (going.work.kind === "open-wait" || (going.work.kind === "child" && !child_started)) this.#orphans.push(going);
  }

  #eventOf(kind: "finish" | "time" | "command" | "again" | "cancel" | "parent", pick: number): RunEvent | undefined {
    switch (kind) {
      case "finish":
        return this.#finish(pick);
      case "time":
        return this.#nextDue();
      case "command":
        return this.#anyCommand(VERBS[pick % VERBS.length] as Verb, pick >> 4);
      case "again": {
        const news = this.told.filter((told) => "generation" in told || ("child_run_id" in told && told.type === "child_ended"));
        return news[pick % Math.max(1, news.length)] as RunEvent | undefined;
      }
      case "cancel":
        return { type: "cancel_requested", at: this.#now };
      case "parent":
        return { type: "parent_closed", status: pick % 2 ? "canceled" : "timed_out", at: this.#now };
    }
  }

  #workIds(): (string | Going)[] {
    const working = [...this.#going].filter(([, { work }]) => work.kind !== "timer").map(([id]) => id);
    return [...working, ...this.#orphans];
  }

  /** One piece of work ends: how, `pick` says; well for 3. */
  #finish(pick: number): RunEvent | undefined {
    const ids = this.#workIds();
    const chosen = ids[(pick >> 3) % Math.max(1, ids.length)];
    if (chosen === undefined) return undefined;
    if (typeof chosen === "string") {
      const going = this.#going.get(chosen) as Going;
      const stays = going.work.kind === "child" && !this.run.state.steps[going.step]?.child_started;
      const event = this.#newsOf(going, pick % 8);
      if (!stays) this.#going.delete(chosen);
      return event;
    }
    this.#orphans = this.#orphans.filter((orphan) => orphan !== chosen);
    return this.#newsOf(chosen, pick % 8);
  }

  #newsOf({ step, work, generation, attempt, revision }: Going, how: number): RunEvent {
    const news = { at: this.#now, step, generation };
    const ok = how >= 3;
    switch (work.kind) {
      case "dispatch": {
        const name = ["server", "client", "timeout"][how] ?? "";
        if (ok) return { ...news, type: "attempt_completed", attempt, output: how > 4 ? { text: `${how}` } : undefined };
        return { ...news, type: "attempt_failed", attempt, class: name, error: name, job_max_attempts: 3, random: how / 3 };
      }
      case "open-wait": {
        const event_key = `key-${step}`;
        const claim = claimOf(this.run, step, event_key, revision);
        // A key that the step holds itself, from before a reset, is not refused to it.
        const held = this.mirror.triggers.get(claim.id)?.status === "waiting";
        if (how === 0 && !held) return { ...news, type: "wait_refused", error: "taken" };
        this.mirror.claim(claim);
        return { ...news, type: "wait_opened", event_key };
      }
      case "child":
        if (!this.run.state.steps[step]?.child_started) {
          return how === 0 ? { ...news, type: "child_refused", error: "disabled" } : { ...news, type: "child_started" };
        }
        return { at: this.#now, type: "child_ended", child_run_id: work.child_run_id, status: ok ? "completed" : "failed" };
      case "emit":
        return { ...news, type: "emitted" };
      case "timer":
        return { ...news, type: "deadline_passed", deadline: work.until };
    }
  }

  #nextDue(): RunEvent | undefined {
    const [first] = [...this.#going]
      .flatMap(([id, going]) => (going.work.kind === "timer" ? [{ id, going, until: going.work.until }] : []))
      .sort((a, b) => a.until - b.until);
    const { status, expires_at = Number.POSITIVE_INFINITY } = this.run.state;
    if (!isRunOver(status) && expires_at <= (first?.until ?? Number.MAX_SAFE_INTEGER)) {
      this.#now = Math.max(this.#now, expires_at);
      return { type: "run_expired", at: this.#now };
    }
    if (!first) return undefined;
    this.#now = Math.max(this.#now, first.until);
    this.#going.delete(first.id);
    return this.#newsOf(first.going, 3);
  }

  /** Mostly one that makes sense. */
  #anyCommand(verb: Verb, pick: number): RunEvent {
    const { plan, state } = this.run;
    const all = plan.steps.map((_, i) => i);
    const sensible = all.filter((i) => AIMS[verb](state.steps[i] as StepState, plan.steps[i]?.step_type));
    const among = pick % 4 > 0 && sensible.length > 0 ? sensible : all;
    return this.#commandOf(verb, plan.steps[among[(pick >> 2) % among.length] as number]?.step_ref, pick);
  }

  #commandOf(verb: Verb, step_ref?: string, pick = 1): RunEvent {
    this.#commands++;
    const id = pick % 17 === 0 ? "again" : `command-${this.#commands}`;
    const actor = pick % 5 === 0 ? "eve" : "ada";
    return { type: "command", at: this.#now, id, verb, actor, step_ref, reason: pick % 3 ? "why" : undefined };
  }

  #take(): void {
    if (this.run.mirroring || isMirrored(this.run)) return;
    this.#inFlight = takeUnmirrored(this.run);
  }
  #inFlight: ReturnType<typeof takeUnmirrored> | undefined;

  #arrived(): void {
    if (this.#inFlight) this.mirror.write(this.#inFlight);
    this.#inFlight = undefined;
    this.run.mirroring = undefined;
  }

  #flush(): void {
    for (this.#arrived(); !isMirrored(this.run); this.#arrived()) this.#take();
  }

  /** A continue-as-new, between two events, whatever goes on outside. */
  #carry(): void {
    this.#flush();
    const { run, steps } = plain({ run: this.plan.run, steps: this.plan.steps });
    this.run = watched(restoredRun(planOf(run, steps), plain(this.run.state)));
    this.#goOn();
  }

  /** The execution closes, and begins anew from what is mirrored. */
  #reopen(): void {
    this.#goOn();
    if (!isRunOver(this.run.state.status) || this.#going.size > 0 || this.#orphans.length > 0) return;
    this.#flush();
    const steps = [...this.mirror.steps.values()];
    const row = this.mirror.runs.get(this.plan.run.id) ?? runRow(this.run);
    const state = plain(mirroredState(this.plan, row, steps, [...this.mirror.commands.values()]));
    this.told.push({ type: "reopened", state });
    this.run = watched(restoredRun(this.plan, plain(state)));
    this.#reopenedAt = state.steps.map(({ generation }) => generation);
  }
}

/** The row under which openWait registers a wait. */
function claimOf({ plan, state }: Run, i: number, event_key: string, revision: number): TriggerRow {
  const step_run_id = stepRunId(plan.run.id, i);
  const { step_ref = "" } = plan.steps[i] ?? {};
  const { requested_at = 0, expires_at } = state.steps[i]?.trigger ?? {};
  const wait = { requested_at, expires_at, timeout_secs: ((expires_at ?? 0) - requested_at) / 1000 };
  const { id: run_id, project_id } = plan.run;
  const id = triggerId("wait_for_event", step_run_id);
  return { id, project_id, event_key, run_id, step_run_id, step_ref, source: "wait_for_event", status: "waiting", ...wait, revision };
}
