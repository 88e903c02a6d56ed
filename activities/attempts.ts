import { ApplicationFailure } from "@temporalio/common";
import type { JsonDoc } from "../src/contract/json.ts";
import type { Carried } from "./index.ts";

export type Outcome = { output?: JsonDoc };

/** For how long a repeated question is answered as the first one was: the workflow task that heard it may be made again. */
const KEPT_MS = 30_000;
/** How long the activity that is to go on waiting for an attempt may take to come. */
export const HANDED_OVER_MS = 10_000;

/** An HTTP attempt makes its call under this signal, and leaves in `carried` what must not be lost with the process. */
export type MakeAttempt = (canceled: AbortSignal, carried: Carried) => Promise<Outcome>;

/** An attempt that goes on in this process, whichever activity waits for it. */
export class Attempt {
  readonly carried: Carried;
  readonly outcome: Promise<Outcome>;
  readonly #stop = new AbortController();
  #waiting = 0;
  #giveUp: NodeJS.Timeout | undefined;

  constructor(make: MakeAttempt, carried: Carried) {
    this.carried = carried;
    this.outcome = make(this.#stop.signal, carried);
    // It may fail when nobody waits.
    this.outcome.catch(() => {});
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  join(): void {
    this.#waiting++;
    clearTimeout(this.#giveUp);
  }

  /** When the last one leaves, and nobody joins within `forMs`, the attempt is stopped. */
  leave(forMs: number, reason?: unknown): void {
    this.#waiting--;
    if (this.#waiting > 0) return;
    if (forMs === 0) this.#stop.abort(reason);
    else this.#giveUp = setTimeout(() => this.#stop.abort(reason), forMs).unref();
  }
}

/** The attempts of this process, so that no activity makes a call that another one has made already. */
export class Attempts {
  readonly #known = new Map<string, Attempt>();
  #going = 0;

  /** How many wait for their endpoint. */
  get going(): number {
    return this.#going;
  }

  /** The attempt of that name, made if it is not known here. To be left again. */
  join(name: string, carried: Carried, make: MakeAttempt): Attempt {
    const known = this.#known.get(name);
    const attempt = known && !known.isStopped ? known : this.#begin(name, carried, make);
    attempt.join();
    return attempt;
  }

  #begin(name: string, carried: Carried, make: MakeAttempt): Attempt {
    const attempt = new Attempt(make, carried);
    this.#known.set(name, attempt);
    this.#going++;
    const forget = () => {
      if (this.#known.get(name) === attempt) this.#known.delete(name);
    };
    attempt.outcome
      .then(
        () => KEPT_MS,
        (error) => (error instanceof ApplicationFailure && error.nonRetryable ? KEPT_MS : 0),
      )
      .then((ms) => {
        this.#going--;
        if (ms === 0) forget();
        else setTimeout(forget, ms).unref();
      });
    return attempt;
  }
}
