const LOOKED_EVERY_MS = 500;
/** What was asked of the process meanwhile comes to it within this time, and in this time only is the other's clock believed. */
const ARRIVES_MS = 10_000;

/** Whether others may have been asked meanwhile for what this process was asked for, and have done it. */
export type WasAway = () => boolean;

/**
 * Notices when this process did not get to run for `awayMs`, of at least a second: it was frozen, or something never let go of the
 * thread. Meanwhile others may have done what it was to do, and closed what it had open.
 */
export class Presence {
  readonly #awayMs: number;
  #seen = Date.now();
  #absences = 0;
  /** When the last one ended. */
  #back = Number.NEGATIVE_INFINITY;

  constructor(awayMs: number) {
    this.#awayMs = awayMs;
    setInterval(() => this.#look(), LOOKED_EVERY_MS).unref();
  }

  /**
   * For what comes to this process now: whether the process was away since then, or since `asked`, epoch milliseconds by the
   * clock of whoever asked for it.
   */
  watched(asked: number): WasAway {
    const came = this.#look();
    const isLate = asked < this.#back && came < this.#back + ARRIVES_MS;
    const before = this.#absences;
    return () => {
      this.#look();
      return isLate || this.#absences > before;
    };
  }

  #look(): number {
    const at = Date.now();
    if (at - this.#seen > this.#awayMs) {
      this.#absences++;
      this.#back = at;
    }
    // A clock that is put back is no absence, nor does the last one lie ahead.
    this.#back = Math.min(this.#back, at);
    this.#seen = at;
    return at;
  }
}
