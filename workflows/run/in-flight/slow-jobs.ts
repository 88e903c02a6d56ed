import type { Plan } from "../../engine/plan.ts";

/** The jobs of a run whose calls take long: those are left to ordinary activities. */
export class SlowJobs {
  readonly #jobs: Set<string>;
  /** With the task queue of the process that made the last call, if that was for this run. */
  readonly #slow: Map<string, string | undefined>;

  constructor({ steps }: Plan, slowJobs: string[]) {
    this.#jobs = new Set(steps.flatMap(({ job_id }) => job_id ?? []));
    this.#slow = new Map(slowJobs.map((id) => [id, undefined]));
  }

  has(jobId: string): boolean {
    return this.#slow.has(jobId);
  }

  queueOf(jobId: string): string | undefined {
    return this.#slow.get(jobId);
  }

  add(jobId: string, queue: string): void {
    this.#slow.set(jobId, queue);
  }

  /** Its process is gone: whoever comes next need not look for it again. */
  delete(jobId: string): void {
    this.#slow.delete(jobId);
  }

  isQuickLeft(): boolean {
    for (const id of this.#jobs) if (!this.#slow.has(id)) return true;
    return false;
  }
}
