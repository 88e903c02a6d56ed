import { NotSent } from "../endpoint/call-endpoint.ts";
import type { Deps } from "../../src/deps.ts";
import { findRecentJob, setSlow } from "../../src/store/jobs.ts";
import { QUICK_ANSWER_MS } from "../../workflows/timing.ts";

/** The jobs whose last call from this process took long: the next one probably will, too. */
export class SlowJobs {
  readonly #deps: Deps;
  readonly #slow = new Set<string>();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  has(jobId: string): boolean {
    return this.#slow.has(jobId);
  }

  /** Of a call that has taken so long, and may take longer. */
  took(jobId: string, ms: number): void {
    const isSlow = ms > QUICK_ANSWER_MS;
    if (isSlow) this.#slow.add(jobId);
    else this.#slow.delete(jobId);
    // Runs begin with this knowledge; without it they find out by themselves.
    this.#note(jobId, isSlow).catch((err) => this.#deps.log.warn({ err, job: jobId }, "not noted how long calls take"));
  }

  async timed<Answer>(jobId: string, call: () => Promise<Answer>): Promise<Answer> {
    const begin = performance.now();
    const took = () => this.took(jobId, performance.now() - begin);
    try {
      const answer = await call();
      took();
      return answer;
    } catch (error) {
      // Which says nothing of the job.
      if (!(error instanceof NotSent)) took();
      throw error;
    }
  }

  async #note(jobId: string, isSlow: boolean): Promise<void> {
    const job = await findRecentJob(this.#deps.db, jobId);
    if (!job || job.slow === isSlow) return;
    // The calls that end in the same moment find it noted.
    job.slow = isSlow;
    await setSlow(this.#deps.db, jobId, isSlow);
  }
}
