import {
  ActivityFailure,
  type ActivityOptions,
  ApplicationFailure,
  condition,
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

/** Signals and queries wait for the end of a workflow task, and local activities hold it: after this long in one task the next goes the ordinary way. */
const HELD_MS = 100;

type Effects = Omit<Activities, "dispatchJob">;
type Input<Name extends keyof Effects> = Parameters<Effects[Name]>[0];
type Result<Name extends keyof Effects> = Promise<Awaited<ReturnType<Effects[Name]>>>;
type Effect<Name extends keyof Effects> = (input: Input<Name>) => Result<Name>;

interface Ended {
  order: number;
  took: number;
  goOn: () => void;
}

/**
 * How a run's activities are run. What may be quick is tried as a local activity, which costs no round trip to the
 * server; what does not succeed there in a moment becomes an ordinary one, which waits for as long as it takes.
 *
 * A replay sees the local activities of a workflow task end in another order, and several at once. So they go in waves:
 * the run moves on when all have ended, and in an order that is always the same.
 */
export class Lanes {
  #inFlight = 0;
  #ended: Ended[] = [];
  /** For how long local activities have held this workflow task, in milliseconds as the worker measured and recorded them. */
  #held = 0;

  /** Whether local activities hold the workflow task: until they end, nobody sees anything of the run. */
  isHeld(): boolean {
    return this.#inFlight > 0;
  }

  /** Waits for all local activities; when it returns, whoever waited for one has taken notice. */
  async ends(): Promise<void> {
    await condition(() => this.#ended.length === this.#inFlight);
    const wave = this.#ended.sort((a, b) => a.order - b.order);
    this.#ended = [];
    this.#inFlight = 0;
    this.#held += Math.max(...wave.map(({ took }) => took));
    for (const { goOn } of wave) goOn();
    await allMicrotasks();
  }

  /** Something else than a local activity moved the run: a new workflow task. */
  newTask(): void {
    this.#held = 0;
  }

  /** A write that may be made again: a local activity's result is lost with its worker until the workflow task ends. */
  async mirror(rows: Input<"mirror">): Promise<void> {
    if (this.#held < HELD_MS) {
      const local = proxyLocalActivities<Activities>(LOCAL);
      try {
        return await this.#wave(-1, local.mirror(rows), () => 0);
      } catch (error) {
        if (isCancellation(error) || isFinal(error)) throw error;
      }
    }
    return this.recorded("mirror", rows);
  }

  /** A read, or a write that others would see for good. `step_ref` is what the Web UI shows as its name. */
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
   * One HTTP attempt of the `step`-th step. A local activity begins it; if the answer takes longer, an ordinary,
   * heartbeating activity on the queue of that same worker process waits for it; if that process is gone, the attempt
   * is made again by any worker. An endpoint's failure is final here, and the engine decides on the next attempt.
   */
  async dispatch(step: number, step_ref: string, input: DispatchInput): Promise<Answer> {
    if (this.#held >= HELD_MS) return anywhere(step_ref)(input);
    const local = proxyLocalActivities<Activities>({ ...LOCAL, summary: step_ref });
    let queue: string;
    try {
      const begun = await this.#wave(step, local.dispatchJob(input), ({ took }) => took);
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

  /** What fails says nothing of its time: it counts as much as a task may take. */
  async #wave<T>(order: number, activity: Promise<T>, tookOf: (result: T) => number): Promise<T> {
    this.#inFlight++;
    let took = HELD_MS;
    try {
      const result = await activity;
      took = tookOf(result);
      return result;
    } finally {
      await new Promise<void>((goOn) => this.#ended.push({ order, took, goOn }));
    }
  }
}

/** Temporal looks at conditions only when everything that could go on has gone on. */
function allMicrotasks(): Promise<void> {
  let asked = false;
  return condition(() => {
    const before = asked;
    asked = true;
    return before;
  });
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
