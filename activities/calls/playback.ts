import { EventEmitter, on } from "node:events";
import type { Call, CallsInFlight, IsAwaited } from "./calls-in-flight.ts";
import type { Journal } from "./journal.ts";
import { callName } from "./outcome.ts";
import { PlayJournal } from "./play-journal.ts";
import type { SlowJobs } from "./slow-jobs.ts";
import { now } from "../../src/time/clock.ts";
import type { Presence, WasAway } from "../../src/time/presence.ts";
import type {
  CallOutcome,
  DispatchInput,
  Played,
  PlayInput,
  TimedAttemptEvent,
  Unended,
} from "../../workflows/activity-types.ts";
import { failureOf, isFinal } from "../../workflows/attempt-failure.ts";
import { type Attempt, attemptOf, newsOf } from "../../workflows/attempt-input.ts";
import { PlayedExcerpt } from "../../workflows/engine/excerpt.ts";
import type { Run } from "../../workflows/engine/run.ts";
import { microseconds } from "../../workflows/engine/time.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";
import { HANDED_OVER_MS, QUICK_ANSWER_MS } from "../../workflows/timing.ts";

/** Of a worker's clock, beyond which it is wrong. */
const MOST_LAG_MS = 1_000;
/** What came of them travels to the workflow in one piece. */
const MOST_EVENTS = 500;
/** With more calls than this going on, each new one takes its place among the ordinary activities. */
export const MOST_QUICK_CALLS = 1_000;

/** What a process has to play with. */
export interface Lane {
  calls: Pick<CallsInFlight, "open" | "has">;
  /** Made if it is not known here, and not sent once this process was away. */
  join(input: DispatchInput, wasAway: WasAway): Call;
  presence: Pick<Presence, "watched">;
  awaited(input: DispatchInput): IsAwaited;
  slowJobs: Pick<SlowJobs, "has" | "took">;
  journal: Pick<Journal, "note">;
  ownQueue: string;
}

interface Going {
  attempt: Attempt;
  call: Call;
  since: number;
  /** Not to be waited for. */
  isSlow: boolean;
}

/** One play of a run: its attempts are made, each end happens to the copy, and what follows from it is made, too. */
export class Playback {
  readonly #lane: Lane;
  readonly #excerpt: PlayedExcerpt;
  readonly #journal: PlayJournal;
  readonly #clock: number;
  readonly #wasAway: WasAway;
  readonly #going = new Map<number, Going>();
  /** Not made here: any worker may. */
  readonly #elsewhere = new Set<number>();
  readonly #ends = new EventEmitter();
  readonly #events: TimedAttemptEvent[] = [];
  #interrupted: TimedAttemptEvent[] | undefined;

  constructor(input: PlayInput, lane: Lane) {
    this.#lane = lane;
    this.#excerpt = new PlayedExcerpt(input);
    this.#journal = new PlayJournal(lane.journal, input);
    // A workflow task begins when the server says so, and is played when the worker comes to it. What others showed meanwhile, of what
    // is made anew here, must not be newer.
    const lag = Math.min(Math.max(now() - input.now, 0), input.replayed ? Number.POSITIVE_INFINITY : MOST_LAG_MS);
    this.#clock = input.now + lag - performance.now();
    this.#wasAway = lane.presence.watched(input.now);
  }

  get #run(): Run {
    return this.#excerpt.run;
  }

  /** A command waits: calls that were made may still end, and nothing follows from them. */
  interrupt(): void {
    this.#interrupted ??= [];
    this.#excerpt.stop();
  }

  inputsOf(steps: number[]): DispatchInput[] {
    return steps.map((step) => attemptOf(this.#run, step).input);
  }

  /** Whether the call that it wants has been made, as far as this process knows. */
  isMade(step: number): boolean {
    return this.#lane.calls.has(callName(attemptOf(this.#run, step).input));
  }

  /** Until nothing quick is left to wait for, or there was enough of it. */
  async play(begin: number[], enough: AbortSignal): Promise<Played> {
    this.#journal.begin();
    const ends = on(this.#ends, "end", { signal: enough });
    this.#beginAll(begin);
    // Only what changes from here on is looked at: for the rest the workflow has seen to it.
    this.#run.touched.clear();
    try {
      while (this.#isWorthWaiting() && this.#events.length < MOST_EVENTS) {
        const { value } = await ends.next();
        this.#end(...(value as [number, Call, CallOutcome | undefined]));
      }
    } catch (error) {
      if (!enough.aborted) throw error;
    }
    return { events: this.#events, interrupted: this.#interrupted, unended: this.#handOver() };
  }

  #isWorthWaiting(): boolean {
    for (const { isSlow } of this.#going.values()) if (!isSlow) return true;
    return false;
  }

  /** What takes long is made here only beside something quick, for whose sake the play goes on anyway. */
  #beginAll(steps: number[]): void {
    for (const step of steps) if (!this.#isSlow(step)) this.#begin(step, false);
    const isWorthWaiting = this.#isWorthWaiting();
    for (const step of steps) {
      if (!this.#isSlow(step)) continue;
      if (isWorthWaiting) this.#begin(step, true);
      else this.#elsewhere.add(step);
    }
  }

  #isSlow(step: number): boolean {
    return this.#lane.slowJobs.has(this.#run.plan.steps[step]?.job_id ?? "");
  }

  #begin(step: number, isSlow: boolean): void {
    const attempt = attemptOf(this.#run, step);
    const { calls, join } = this.#lane;
    if (calls.open >= MOST_QUICK_CALLS) {
      this.#elsewhere.add(step);
      return;
    }
    const call = join(attempt.input, this.#wasAway);
    this.#going.set(step, { attempt, call, since: performance.now(), isSlow });
    const end = (outcome?: CallOutcome) => this.#ends.emit("end", step, call, outcome);
    call.outcome.then(end, (error) => end(isFinal(error) ? { failure: failureOf(error) } : undefined));
  }

  /** Without an outcome: what went wrong is not the endpoint's affair. */
  #end(step: number, call: Call, outcome: CallOutcome | undefined): void {
    const going = this.#going.get(step);
    if (going?.call !== call) return;
    this.#going.delete(step);
    call.leave(async () => false);
    if (!outcome) {
      this.#elsewhere.add(step);
      return;
    }
    const event = { ...newsOf(going.attempt, outcome), at: microseconds(this.#clock + performance.now()) };
    this.#journal.end(going.attempt, outcome, event, !this.#interrupted);
    (this.#interrupted ?? this.#events).push(event);
    this.#excerpt.happens(event);
    this.#reconcile([...this.#run.touched]);
    this.#run.touched.clear();
  }

  #reconcile(touched: number[]): void {
    for (const step of touched) {
      const going = this.#going.get(step);
      if (!going || this.#isDispatching(step)) continue;
      this.#going.delete(step);
      going.call.leave(async () => false);
    }
    const isNew = (step: number) => !this.#going.has(step) && !this.#elsewhere.has(step) && this.#isDispatching(step);
    this.#beginAll(touched.filter(isNew));
  }

  #handOver(): Unended[] {
    const elsewhere = [...this.#elsewhere].filter((step) => this.#isDispatching(step));
    return [
      ...elsewhere.map((step) => this.#leftElsewhere(step)),
      ...[...this.#going].map(([step, going]) => this.#leftHere(step, going)),
    ];
  }

  #leftElsewhere(step: number): Unended {
    if (!this.#isSlow(step)) return { kind: "anywhere", step };
    return { kind: "slow-elsewhere", step, queue: this.#lane.ownQueue };
  }

  #leftHere(step: number, { attempt, call, since }: Going): Unended {
    const { slowJobs, awaited, ownQueue } = this.#lane;
    const took = performance.now() - since;
    if (took > QUICK_ANSWER_MS) slowJobs.took(attempt.input.job_id, took);
    call.leave(awaited(attempt.input), HANDED_OVER_MS);
    return { kind: this.#isSlow(step) ? "slow-here" : "here", step, queue: ownQueue };
  }

  #isDispatching(step: number): boolean {
    return workOf(this.#run, step).some(({ kind }) => kind === "dispatch");
  }
}
