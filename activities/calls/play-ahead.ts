import { EventEmitter, on } from "node:events";
import type { Attempt, Attempts, IsWanted } from "./calls-in-flight.ts";
import type { Journal } from "./journal.ts";
import { callName } from "./outcome.ts";
import { WaitingCommands } from "./pending-commands.ts";
import { QUICK_ANSWER_MS, type SlowJobs } from "./slow-jobs.ts";
import { now } from "../../src/timing/clock.ts";
import type { Notifications } from "../../src/store/postgres/notifications.ts";
import type { Activities, CallOutcome, DispatchInput, Played, PlayInput } from "../../workflows/activity-types.ts";
import { failureOf, isFinal } from "../../workflows/attempt-failure.ts";
import { type Attempt as Due, attemptOf, newsOf } from "../../workflows/attempt-input.ts";
import { PlayedExcerpt } from "../../workflows/engine/excerpt.ts";
import type { Run } from "../../workflows/engine/run.ts";
import { microseconds } from "../../workflows/engine/time.ts";
import { workOf } from "../../workflows/engine/steps/work.ts";

/** Of a worker's clock, beyond which it is wrong. */
const MOST_LAG_MS = 1_000;
/** For so long a run is played, unless a command to it comes, which waits for that. */
const AHEAD_MS = 200;
/** What came of them travels to the workflow in one piece. */
const MOST_EVENTS = 500;
/** With more calls than this going on, each new one takes its place among the ordinary activities. */
export const MOST_QUICK_CALLS = 1_000;

/** A command waits so long for the calls that go on, which then need no activity of their own. */
const CALLED_MS = 50;

/** How long the activity that is to go on waiting may take to come, before it is asked whether it will. */
const HANDED_OVER_MS = 3_000;

interface Lane {
  attempts: Attempts;
  join(input: DispatchInput): Attempt;
  learn(runId: string, inputs: DispatchInput[]): Promise<void>;
  wanted(input: DispatchInput): IsWanted;
  slowJobs: SlowJobs;
  journal: Journal;
  notices: Notifications;
  ownQueue: string;
}

/** A copy of the run is played on by the run's own rules, outside of the sandbox: the workflow then only repeats what happened. */
export function playAhead({ notices, ...lane }: Lane): Activities["playAhead"] {
  const commands = new WaitingCommands(notices);
  return async (input) => {
    const { run, begin, heard } = input;
    if (commands.has(run.id, heard))
      return { events: [], called: [], going: begin.map((step) => ({ step, later: true })) };
    const game = new Game(input, lane);
    // Of a task that is the run's first try at its first steps, nothing can have been lost.
    if (!input.fresh) await lane.learn(run.id, game.due(begin));
    const enough = new AbortController();
    const endAfter = (ms: number) => setTimeout(() => enough.abort(), ms).unref();
    endAfter(AHEAD_MS);
    commands.next(run.id, heard, enough.signal).then(
      () => {
        game.call();
        endAfter(CALLED_MS);
      },
      () => {},
    );
    try {
      return await game.play(begin, enough.signal);
    } finally {
      enough.abort();
    }
  };
}

interface Going {
  due: Due;
  made: Attempt;
  since: number;
  /** Not to be waited for. */
  isSlow: boolean;
}

class Game {
  readonly #excerpt: PlayedExcerpt;
  readonly #lane: Omit<Lane, "notices">;
  readonly #clock: number;
  readonly #going = new Map<number, Going>();
  /** Not made here: any worker may. */
  readonly #elsewhere = new Set<number>();
  readonly #ends = new EventEmitter();
  readonly #events: Played["events"] = [];
  #called: Played["called"];
  readonly #input: PlayInput;

  constructor(input: PlayInput, lane: Omit<Lane, "notices">) {
    this.#input = input;
    this.#excerpt = new PlayedExcerpt(input);
    this.#lane = lane;
    // A workflow task begins when the server says so, and is played when the worker comes to it.
    const lag = Math.min(Math.max(now() - input.now, 0), MOST_LAG_MS);
    this.#clock = input.now + lag - performance.now();
  }

  get #run(): Run {
    return this.#excerpt.run;
  }

  /** A command waits. */
  call(): void {
    this.#called ??= [];
    this.#excerpt.stop();
  }

  due(steps: number[]): DispatchInput[] {
    return steps.map((step) => attemptOf(this.#run, step).input);
  }

  async play(begin: number[], enough: AbortSignal): Promise<Played> {
    this.#noteBegin();
    const ends = on(this.#ends, "end", { signal: enough });
    this.#beginAll(begin);
    // Only what changes from here on is looked at: for the rest the workflow has seen to it.
    this.#run.touched.clear();
    try {
      while (this.#isWorthWaiting() && this.#events.length < MOST_EVENTS) {
        const { value } = await ends.next();
        this.#end(...(value as [number, Attempt, CallOutcome | undefined]));
      }
    } catch (error) {
      if (!enough.aborted) throw error;
    }
    return { events: this.#events, called: this.#called, going: this.#handOver() };
  }

  #isWorthWaiting(): boolean {
    for (const { isSlow } of this.#going.values()) if (!isSlow) return true;
    return false;
  }

  /** What takes long is made here only if there is something quick to wait for, which it need not wait for, too. */
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
    const due = attemptOf(this.#run, step);
    const { attempts, join } = this.#lane;
    if (attempts.going >= MOST_QUICK_CALLS) {
      this.#elsewhere.add(step);
      return;
    }
    const made = join(due.input);
    this.#going.set(step, { due, made, since: performance.now(), isSlow });
    const end = (outcome?: CallOutcome) => this.#ends.emit("end", step, made, outcome);
    made.outcome.then(end, (error) => end(isFinal(error) ? { failure: failureOf(error) } : undefined));
  }

  /** Without an outcome: what went wrong is not the endpoint's affair. */
  #end(step: number, made: Attempt, outcome: CallOutcome | undefined): void {
    const going = this.#going.get(step);
    if (going?.made !== made) return;
    this.#going.delete(step);
    made.leave(async () => false);
    if (!outcome) {
      this.#elsewhere.add(step);
      return;
    }
    const event = { ...newsOf(going.due, outcome), at: microseconds(this.#clock + performance.now()) };
    this.#noteEnd(going.due, outcome, event);
    (this.#called ?? this.#events).push(event);
    this.#excerpt.happens(event);
    this.#reconcile([...this.#run.touched]);
    this.#run.touched.clear();
  }

  /** Whoever makes this workflow task again begins with what it had heard, and goes on as this play did. */
  #noteBegin(): void {
    const { run, now, task } = this.#input;
    if (!task) return;
    const { execution, length, news } = task;
    this.#lane.journal.note({
      ...{ run_id: run.id, name: `play/${execution}/${length}`, execution, task: length },
      played: { began: now, news },
    });
  }

  #noteEnd(due: Due, outcome: CallOutcome, event: Played["events"][number]): void {
    const { run, numbers, task } = this.#input;
    if (!task) return;
    const { generation, attempt, at } = event;
    this.#lane.journal.note({
      ...{ run_id: run.id, name: callName(due.input), execution: task.execution, task: task.length, outcome },
      played: {
        ...{ step: numbers[due.step] as number, generation, attempt, at, follows: !this.#called },
        ...("random" in event && { random: event.random }),
      },
    });
  }

  #reconcile(touched: number[]): void {
    const isWanted = (step: number) => isDispatching(this.#run, step);
    for (const step of touched) {
      const going = this.#going.get(step);
      if (!going || isWanted(step)) continue;
      this.#going.delete(step);
      going.made.leave(async () => false);
    }
    this.#beginAll(touched.filter((step) => !this.#going.has(step) && !this.#elsewhere.has(step) && isWanted(step)));
  }

  #handOver(): Played["going"] {
    const { slowJobs, wanted, ownQueue } = this.#lane;
    const elsewhere = [...this.#elsewhere]
      .filter((step) => isDispatching(this.#run, step))
      .map((step) => (this.#isSlow(step) ? { step, queue: ownQueue, slow: true, anywhere: true as const } : { step }));
    const here = [...this.#going].map(([step, { due, made, since }]) => {
      const took = performance.now() - since;
      if (took > QUICK_ANSWER_MS) slowJobs.took(due.input.job_id, took);
      made.leave(wanted(due.input), HANDED_OVER_MS);
      return { step, queue: ownQueue, slow: this.#isSlow(step) };
    });
    return [...elsewhere, ...here];
  }
}

const isDispatching = (run: Run, step: number): boolean => workOf(run, step).some(({ kind }) => kind === "dispatch");
