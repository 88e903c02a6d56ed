import {
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  isCancellation,
  type LocalActivityOptions,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
} from "@temporalio/workflow";
import type { Activities, Answer, Carried, DispatchInput } from "../activities/index.ts";

/** An outage of Postgres is waited out, however long it takes: only then does the activity succeed. */
const UNTIL_IT_WORKS: ActivityOptions["retry"] = {
  initialInterval: "250ms",
  backoffCoefficient: 2,
  maximumInterval: "3s",
};

/** What a worker that died had begun of our own reads and writes is begun again after this. */
const IN_A_MOMENT = "10s";

/** Longest that one HTTP attempt may take; a job's own timeout (at most a day) ends it earlier. */
const LONGEST_ATTEMPT = "25h";

/**
 * A local activity answers within a moment, by itself (activities/index.ts): one that has to be given up by Temporal
 * was begun by a worker that hangs.
 */
const LOCAL: LocalActivityOptions = {
  startToCloseTimeout: "30s",
  retry: { maximumAttempts: 1 },
  cancellationType: "TRY_CANCEL",
};

/**
 * Signals and queries wait for the end of a workflow task, and local activities hold it: after this long in one task
 * the next goes the ordinary way. Counted from the first local result, which every replay sees at the same time.
 */
const HELD_MS = 100;

type Effects = Omit<Activities, "dispatchJob">;
type Input<Name extends keyof Effects> = Parameters<Effects[Name]>[0];
type Result<Name extends keyof Effects> = Promise<Awaited<ReturnType<Effects[Name]>>>;
type Effect<Name extends keyof Effects> = (input: Input<Name>) => Result<Name>;

/**
 * How a run's activities are run. What is quick is tried as a local activity, which costs no round trip to the server;
 * what does not succeed there in a moment becomes an ordinary one, which waits for as long as it takes.
 */
export class Lanes {
  #holding = 0;
  #heldSince: number | undefined;
  #ended = false;

  /** Whether local activities hold the workflow task: until they end, nobody sees anything of the run. */
  isHeld(): boolean {
    return this.#holding > 0;
  }

  /** To be called whenever the run moves on. What moved it was no local activity's end: so a new workflow task began. */
  woken(): void {
    if (!this.#ended && this.#holding === 0) this.#heldSince = undefined;
    this.#ended = false;
  }

  /**
   * A read, or a write that may be made again: a local activity's result is lost with its worker until the workflow
   * task ends. `step_ref` is what the Web UI shows as its name.
   */
  async quick<Name extends keyof Effects>(name: Name, input: Input<Name>, step_ref?: string): Result<Name> {
    if (this.#mayHold()) {
      const local = proxyLocalActivities<Activities>({ ...LOCAL, summary: step_ref });
      try {
        return await this.#hold((local[name] as unknown as Effect<Name>)(input));
      } catch (error) {
        if (isCancellation(error) || isFinal(error)) throw error;
      }
    }
    return this.recorded(name, input, step_ref);
  }

  /** A write that others would see for good: begun only once the run's way to it is recorded. */
  recorded<Name extends keyof Effects>(name: Name, input: Input<Name>, step_ref?: string): Result<Name> {
    const ordinary = proxyActivities<Activities>({
      startToCloseTimeout: IN_A_MOMENT,
      retry: UNTIL_IT_WORKS,
      cancellationType: "TRY_CANCEL",
      summary: step_ref,
    });
    return (ordinary[name] as unknown as Effect<Name>)(input);
  }

  /**
   * One HTTP attempt. A local activity begins it; if the answer takes longer, an ordinary, heartbeating activity on the
   * queue of that same worker process waits for it; if that process is gone, the attempt is made again by any worker.
   * An endpoint's failure is final here, and the engine decides on the next attempt.
   */
  async dispatch(step_ref: string, input: DispatchInput): Promise<Answer> {
    if (!this.#mayHold()) return anywhere(step_ref)(input);
    const local = proxyLocalActivities<Activities>({ ...LOCAL, summary: step_ref });
    let queue: string;
    try {
      const begun = await this.#hold(local.dispatchJob(input));
      if (!("goes_on_at" in begun)) return begun;
      queue = begun.goes_on_at;
    } catch (error) {
      if (isCancellation(error) || isFinal(error)) throw error;
      return anywhere(step_ref)(input);
    }
    try {
      return await at(queue, step_ref)(input);
    } catch (error) {
      if (isCancellation(error) || isFinal(error)) throw error;
      return anywhere(step_ref)({ ...input, carried: carriedBy(error) });
    }
  }

  #mayHold(): boolean {
    return this.#heldSince === undefined || Date.now() - this.#heldSince < HELD_MS;
  }

  async #hold<T>(activity: Promise<T>): Promise<T> {
    this.#holding++;
    try {
      return await activity;
    } finally {
      this.#holding--;
      this.#ended = true;
      this.#heldSince ??= Date.now();
    }
  }
}

type Dispatch = (input: DispatchInput) => Promise<Answer>;

/** Noticed by its missing heartbeats: a worker that died. */
const anywhere = (step_ref: string): Dispatch =>
  proxyActivities<{ dispatchJob: Dispatch }>({
    startToCloseTimeout: LONGEST_ATTEMPT,
    heartbeatTimeout: "10s",
    retry: UNTIL_IT_WORKS,
    cancellationType: "TRY_CANCEL",
    summary: step_ref,
  }).dispatchJob;

/**
 * Retried on its queue while that process lives, where it finds the attempt going on: so an outage of the Temporal
 * server repeats no call. Nobody takes it up in time: the process is gone.
 */
const at = (taskQueue: string, step_ref: string): Dispatch =>
  proxyActivities<{ dispatchJob: Dispatch }>({
    taskQueue,
    scheduleToStartTimeout: "5s",
    startToCloseTimeout: LONGEST_ATTEMPT,
    heartbeatTimeout: "5s",
    retry: { ...UNTIL_IT_WORKS, nonRetryableErrorTypes: ["WorkerShutdown"] },
    cancellationType: "TRY_CANCEL",
    summary: step_ref,
  }).dispatchJob;

/** The outcome of the work itself: no other worker, and no later try, would bring another. */
const isFinal = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true;

/** The endpoint's answer, if it came but could not be stored before the worker was gone. */
function carriedBy(error: unknown): Carried | undefined {
  const { cause } = error as ActivityFailure;
  if (cause instanceof TimeoutFailure) return cause.lastHeartbeatDetails as Carried | undefined;
  return cause instanceof ApplicationFailure ? (cause.details?.[0] as Carried | undefined) : undefined;
}
