import { setTimeout as pauseFor } from "node:timers/promises";
import { ended } from "./outcome.ts";
import type { JsonDoc } from "../../src/contract/json.ts";
import type { CallOutcome, Carried } from "../../workflows/activity-types.ts";
import { isFinal } from "../../workflows/attempt-failure.ts";

export type Outcome = { output?: JsonDoc };

/**
 * What became of an attempt is told again to whoever asks within this time: the workflow task that heard it may be made
 * again. Time in which the server is away does not count.
 */
const KEPT_MS = 30_000;
/** How often it is asked whether an attempt that nobody waits for is still wanted. */
const ASKED_EVERY_MS = 3_000;

/** An HTTP attempt makes its call under this signal, and leaves in `carried` what must not be lost with the process. */
export type MakeAttempt = (canceled: AbortSignal, carried: Carried) => Promise<Outcome>;

export type IsWanted = () => Promise<boolean>;

/** An attempt that goes on in this process, whichever activity waits for it. */
export class Attempt {
  readonly carried: Carried;
  readonly outcome: Promise<Outcome>;
  readonly #stop = new AbortController();
  #isOver = false;
  #waiting = 0;
  #left: object | undefined;

  constructor(make: MakeAttempt, carried: Carried) {
    this.carried = carried;
    this.outcome = make(this.#stop.signal, carried);
    const end = () => {
      this.#isOver = true;
    };
    // It may fail when nobody waits.
    this.outcome.then(end, end);
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Nobody waits for it any more, somebody may come. */
  get isLeft(): boolean {
    return this.#left !== undefined;
  }

  join(): void {
    this.#waiting++;
    this.#left = undefined;
  }

  /**
   * When the last one has left before the end, the attempt goes on for as long as it is wanted. `comesWithinMs`: in which
   * somebody is expected: only then it is asked.
   */
  leave(isWanted: IsWanted, comesWithinMs = 0): void {
    this.#waiting--;
    if (this.#waiting === 0 && !this.#isOver) void this.#goOnWhile(isWanted, comesWithinMs);
  }

  async #goOnWhile(isWanted: IsWanted, comesWithinMs: number): Promise<void> {
    const left = {};
    this.#left = left;
    if (comesWithinMs > 0) await pauseFor(comesWithinMs, undefined, { ref: false });
    while (this.#left === left) {
      if (await isWanted()) await pauseFor(ASKED_EVERY_MS, undefined, { ref: false });
      else if (this.#left === left) {
        this.#left = undefined;
        this.#stop.abort();
      }
    }
  }
}

/** The attempts of this process, so that no activity makes a call that another one has made already. */
export class Attempts {
  readonly #known = new Map<string, Attempt>();
  readonly #serverAnswers: () => Promise<boolean>;
  #going = 0;
  /** Those that are over: since the server answered last, and before that. */
  #recent = new Set<string>();
  #older = new Set<string>();

  constructor(serverAnswers: () => Promise<boolean>) {
    this.#serverAnswers = serverAnswers;
    setInterval(() => void this.#forgetOlder(), KEPT_MS).unref();
  }

  /** How many wait for their endpoint. */
  get going(): number {
    return this.#going;
  }

  /** Resolves once nobody is to come for any attempt, or after that time. */
  async noneLeft(withinMs: number): Promise<void> {
    await whileOrFor(() => [...this.#known.values()].some(({ isLeft }) => isLeft), withinMs);
  }

  /** The attempt of that name, made if it is not known here. To be left again. */
  join(name: string, carried: Carried, make: MakeAttempt): Attempt {
    const known = this.#known.get(name);
    const attempt = known && !known.isStopped ? known : this.#begin(name, carried, make);
    attempt.join();
    return attempt;
  }

  /** Calls that another process has made: nobody here makes them again. */
  known(outcomes: Map<string, CallOutcome>): void {
    for (const [name, outcome] of outcomes) if (!this.has(name)) this.#begin(name, {}, () => ended(outcome));
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  /** Resolves once no call of this process waits for its endpoint, or after that time. */
  async noneGoing(withinMs: number): Promise<void> {
    await whileOrFor(() => this.#going > 0, withinMs);
  }

  #begin(name: string, carried: Carried, make: MakeAttempt): Attempt {
    const attempt = new Attempt(make, carried);
    this.#known.set(name, attempt);
    this.#going++;
    attempt.outcome
      .then(() => true, isFinal)
      .then((isFinal) => {
        this.#going--;
        if (this.#known.get(name) !== attempt) return;
        if (isFinal) this.#recent.add(name);
        else this.#known.delete(name);
      });
    return attempt;
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
