/** The server refuses a run more than 2,000 at once. */
const MOST_ACTIVITIES = 1_000;
/** With ten thousand timers in one workflow task the server does not finish it in time. */
const MOST_A_TASK = 500;

/** How much a run begins at once. The steps whose work has to wait for its turn are deferred. */
export class Throttle {
  #activities = 0;
  /** In this workflow task. */
  #begun = 0;
  readonly #deferred = new Set<number>();

  newTask(): void {
    this.#begun = 0;
  }

  get activities(): number {
    return this.#activities;
  }

  /**
   * Adds to `touched` the deferred steps that may have their turn now, which no longer are deferred, nor are those that were
   * touched. Only as many as may begin: to look at all of thousands at each event would take longer than the events.
   */
  takeDeferred(touched: Set<number>): void {
    for (const step of [...this.#deferred].slice(0, MOST_A_TASK - this.#begun)) touched.add(step);
    for (const step of touched) this.#deferred.delete(step);
  }

  defer(step: number): void {
    this.#deferred.add(step);
  }

  mayBegin(isActivity: boolean): boolean {
    return this.#begun < MOST_A_TASK && !(isActivity && this.#activities >= MOST_ACTIVITIES);
  }

  begins(isActivity: boolean): void {
    this.#begun++;
    if (isActivity) this.#activities++;
  }

  ends(isActivity: boolean): void {
    if (isActivity) this.#activities--;
  }

  /** The rest is to begin in another workflow task. */
  isCutShort(): boolean {
    return this.#deferred.size > 0 && this.#begun >= MOST_A_TASK;
  }

  /** Something is deferred for which there is a place by now. */
  hasPlace(): boolean {
    return this.#deferred.size > 0 && this.#activities < MOST_ACTIVITIES;
  }
}
