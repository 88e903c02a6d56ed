import type { Plan } from "../../engine/plan.ts";
import type { Run } from "../../engine/run.ts";

/** The jobs of a run whose calls take long: those are left to ordinary activities. */
export class SlowJobs {
  readonly #run: Run;
  /** Of the plan that the run had when it was last looked at. */
  #jobs: { of: Plan; ids: string[] };
  /** With the task queue of the process that made the last call, if that was for this run. */
  readonly #slow: Map<string, string | undefined>;
  #wasQuickLeft = false;

  constructor(run: Run, slowJobs: string[]) {
    this.#run = run;
    this.#jobs = jobsOf(run.plan);
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
    // A command may have moved it to another version.
    if (this.#jobs.of !== this.#run.plan) this.#jobs = jobsOf(this.#run.plan);
    const isLeft = this.#jobs.ids.some((id) => !this.#slow.has(id));
    this.#wasQuickLeft ||= isLeft;
    return isLeft;
  }

  /** Nothing of the run can ever have been played ahead, in no try of a workflow task. */
  get wereAllSlow(): boolean {
    return !this.isQuickLeft() && !this.#wasQuickLeft;
  }
}

const jobsOf = (plan: Plan) => ({ of: plan, ids: [...new Set(plan.steps.flatMap(({ job_id }) => job_id ?? []))] });
