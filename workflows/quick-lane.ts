import { CancellationScope, isCancellation, proxyLocalActivities, sleep } from "@temporalio/workflow";
import type { Activities, QuickResult } from "../activities/index.ts";
import type { Attempt } from "./dispatch.ts";
import type { MirrorRows } from "./engine/rows.ts";

/** Signals and queries wait for the end of a workflow task, and local activities hold it: after so long the ordinary way is taken. */
const HELD_MS = 250;

/** Of a summary the server takes 400 bytes. */
const SUMMARY_LENGTH = 100;

let held = false;

/** Whether a local activity holds the workflow task. */
export const holdsTask = (): boolean => held;

/**
 * What may be done in a moment is done by a local activity, which costs no round trip to the server. What fails here is
 * left to an ordinary one.
 *
 * One at a time: of several, a replay would see the ends in another order and grouping than the run did.
 */
export class QuickLane {
  #taskBegan = Date.now();
  #guard: CancellationScope | undefined;

  /** To be told that something else than a local activity moved the run. */
  newTask(): void {
    this.#taskBegan = Date.now();
  }

  /** The workflow's clock goes on with each local activity, by what it took. */
  hasTime(): boolean {
    return Date.now() - this.#taskBegan < HELD_MS;
  }

  /**
   * Makes the attempts at once. Returns within a moment; see QuickResult for those that take longer. `heard`: the id of
   * the last command to the run; as soon as there is another one, the attempts go on the ordinary way.
   */
  dispatch(attempts: Attempt[], heard: string | undefined): Promise<QuickResult[]> {
    const names = attempts.map(({ step_ref }) => step_ref).join(", ");
    const calls = attempts.map(({ input }) => input);
    const summary = names.length <= SUMMARY_LENGTH ? names : `${names.slice(0, SUMMARY_LENGTH - 1)}…`;
    return this.#hold(local(summary).dispatchQuickly({ calls, heard }), (results) =>
      results === FAILED ? calls.map(() => ({ goes_on_at: null })) : results,
    );
  }

  /** Whether the rows are written. */
  mirror(rows: MirrorRows): Promise<boolean> {
    return this.#hold(local().mirror(rows), (result) => result !== FAILED);
  }

  /** Lets go of the workflow task. To be called before the run waits for anything else, or ends. */
  letGo(): void {
    this.#guard?.cancel();
    this.#guard = undefined;
  }

  // Written with few promises: the SDK keeps account of each one.
  #hold<Result, End>(activity: Promise<Result>, end: (result: Result | typeof FAILED) => End): Promise<End> {
    held = true;
    this.#guard ??= guard();
    return activity.then(
      (result) => {
        held = false;
        return end(result);
      },
      (error) => {
        held = false;
        if (isCancellation(error)) throw error;
        return end(FAILED);
      },
    );
  }
}

const FAILED = Symbol("failed");

/** They answer within a moment by themselves: one that Temporal has to give up was begun by a worker that hangs. */
const local = (summary?: string) =>
  proxyLocalActivities<Activities>({ startToCloseTimeout: "30s", retry: { maximumAttempts: 1 }, summary });

/**
 * A task that is held for too long (80 % of its timeout) is handed in for another one. If it held no command, a replay
 * would take the two for one. So it holds one: a timer, of which nothing is recorded if it is cancelled in time.
 */
function guard(): CancellationScope {
  const scope = new CancellationScope();
  scope
    .run(() => sleep("1 hour", { summary: "quick lane" }))
    .catch((error) => {
      if (!isCancellation(error)) throw error;
    });
  return scope;
}
