import { setTimeout as pauseFor } from "node:timers/promises";
import { ended, type Outcome } from "./outcome.ts";
import type { CallOutcome, UnsavedOutput } from "../../workflows/activity-types.ts";
import { isFinal } from "../../workflows/attempt-failure.ts";
import { OUTCOME_KEPT_MS } from "../../workflows/timing.ts";

/** How often it is asked whether an orphaned call is still awaited by its run. */
const ASKED_EVERY_MS = 3_000;

/** Makes the call under this signal. */
type MakeCall = (canceled: AbortSignal) => Promise<Outcome>;

export type IsAwaited = () => Promise<boolean>;

/** The call of an attempt, which goes on in this process whichever activity waits for it. */
export class Call {
  /** What must not be lost with the process. */
  readonly unsaved: UnsavedOutput;
  readonly outcome: Promise<Outcome>;
  readonly #stop = new AbortController();
  #isOver = false;
  #waiting = 0;
  #orphaned: object | undefined;

  constructor(make: MakeCall, unsaved: UnsavedOutput) {
    this.unsaved = unsaved;
    this.outcome = make(this.#stop.signal);
    const end = () => {
      this.#isOver = true;
    };
    // It may fail when nobody waits.
    this.outcome.then(end, end);
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** No activity waits for it any more, but one may come. */
  get isOrphaned(): boolean {
    return this.#orphaned !== undefined;
  }

  join(): void {
    this.#waiting++;
    this.#orphaned = undefined;
  }

  /**
   * When the last activity has left before the end, the call goes on for as long as its run awaits it. An activity that is
   * expected `withinMs` may come without the run being asked.
   */
  leave(isAwaited: IsAwaited, withinMs = 0): void {
    this.#waiting--;
    if (this.#waiting === 0 && !this.#isOver) void this.#goOnWhile(isAwaited, withinMs);
  }

  async #goOnWhile(isAwaited: IsAwaited, withinMs: number): Promise<void> {
    const orphaned = {};
    this.#orphaned = orphaned;
    if (withinMs > 0) await pauseFor(withinMs, undefined, { ref: false });
    while (this.#orphaned === orphaned) {
      if (await isAwaited()) await pauseFor(ASKED_EVERY_MS, undefined, { ref: false });
      else if (this.#orphaned === orphaned) {
        this.#orphaned = undefined;
        this.#stop.abort();
      }
    }
  }
}

/** The calls of this process, so that no activity makes one that another activity has made already. */
export class CallsInFlight {
  readonly #known = new Map<string, Call>();
  readonly #serverAnswers: () => Promise<boolean>;
  #open = 0;
  /** Those that are over: since the server answered last, and before that. */
  #recent = new Set<string>();
  #older = new Set<string>();

  constructor(serverAnswers: () => Promise<boolean>) {
    this.#serverAnswers = serverAnswers;
    // Time in which the server is away does not count.
    setInterval(() => void this.#forgetOlder(), OUTCOME_KEPT_MS).unref();
  }

  /** How many wait for their endpoint. */
  get open(): number {
    return this.#open;
  }

  /** Resolves once nobody is to come for any call, or after that time. */
  async noneOrphaned(withinMs: number): Promise<void> {
    await whileOrFor(() => [...this.#known.values()].some(({ isOrphaned }) => isOrphaned), withinMs);
  }

  /** Resolves once no call waits for its endpoint, or after that time. */
  async noneOpen(withinMs: number): Promise<void> {
    await whileOrFor(() => this.#open > 0, withinMs);
  }

  /** The call of that name, made if it is not known here. To be left again. */
  join(name: string, unsaved: UnsavedOutput, make: MakeCall): Call {
    const known = this.#known.get(name);
    const call = known && !known.isStopped ? known : this.#begin(name, unsaved, make);
    call.join();
    return call;
  }

  /** Calls that another process has made: nobody here makes them again. */
  learn(outcomes: Map<string, CallOutcome>): void {
    for (const [name, outcome] of outcomes) if (!this.has(name)) this.#begin(name, {}, () => ended(outcome));
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  #begin(name: string, unsaved: UnsavedOutput, make: MakeCall): Call {
    const call = new Call(make, unsaved);
    this.#known.set(name, call);
    this.#open++;
    call.outcome
      .then(() => true, isFinal)
      .then((isFinal) => {
        this.#open--;
        if (this.#known.get(name) !== call) return;
        if (isFinal) this.#recent.add(name);
        else this.#known.delete(name);
      });
    return call;
  }

  async #forgetOlder(): Promise<void> {
    if (!(await this.#serverAnswers())) return;
    for (const name of this.#older) this.#known.delete(name);
    this.#older = this.#recent;
    this.#recent = new Set();
  }
}

async function whileOrFor(isGoing: () => boolean, withinMs: number): Promise<void> {
  for (const end = Date.now() + withinMs; isGoing() && Date.now() < end; ) await pauseFor(50);
}
