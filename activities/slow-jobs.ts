/** An answer within this time is a quick one: with less, the calls of a worker that is busy itself would seem slow. */
export const QUICK_ANSWER_MS = 300;

/** The jobs whose last call from this process took long: the next one probably will, too. */
export class SlowJobs {
  readonly #slow = new Set<string>();

  has(jobId: string): boolean {
    return this.#slow.has(jobId);
  }

  /** Of a call that has taken so long, and may take longer. */
  took(jobId: string, ms: number): void {
    if (ms > QUICK_ANSWER_MS) this.#slow.add(jobId);
    else this.#slow.delete(jobId);
  }

  async timed<Answer>(jobId: string, call: () => Promise<Answer>): Promise<Answer> {
    const begin = performance.now();
    return call().finally(() => this.took(jobId, performance.now() - begin));
  }
}
