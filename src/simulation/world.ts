import type { Documents } from "./documents.ts";
import { assumedOutcome, type Outcome } from "./outcome.ts";
import { Payloads } from "./payloads.ts";
import type { Job } from "../contract/jobs/jobs.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";

/** What is asked of a job. */
export type SimulatedJob = Pick<
  Job,
  | "id"
  | "version_id"
  | "enabled"
  | "max_attempts"
  | "timeout_secs"
  | "run_ttl_secs"
  | "retry_strategy"
  | "retry_delays_secs"
  | "payload_schema"
>;

/** All that a simulated run finds outside of itself. */
export class World {
  readonly documents: Documents;
  readonly payloads: Payloads;
  readonly #jobs: Map<string, SimulatedJob>;
  readonly #outcomes: ReadonlyMap<string, Outcome>;

  /** `outcomes`: by step_ref. */
  constructor(documents: Documents, jobs: SimulatedJob[], outcomes: ReadonlyMap<string, Outcome>) {
    this.documents = documents;
    this.payloads = new Payloads(documents);
    this.#jobs = new Map(jobs.map((job) => [job.id, job]));
    this.#outcomes = outcomes;
  }

  jobOf({ job_id = "" }: PlanStep): SimulatedJob | undefined {
    return this.#jobs.get(job_id);
  }

  outcomeOf(step: PlanStep): Outcome {
    return this.#outcomes.get(step.step_ref) ?? assumedOutcome(step);
  }
}
