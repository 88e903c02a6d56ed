import { CancellationScope, isCancellation, proxyLocalActivities, sleep } from "@temporalio/workflow";
import type { Activities, DispatchInput, QuickResult } from "../activities/index.ts";
import type { MirrorRows } from "./engine/rows.ts";

/** Signals and queries wait for the end of a workflow task, and local activities hold it: after so long the ordinary way is taken. */
const HELD_MS = 100;

/** Of a summary the server takes 400 bytes. */
const SUMMARY_LENGTH = 100;

/**
 * What may be done in a moment is done by a local activity, which costs no round trip to the server. What fails here is
 * left to an ordinary one.
 *
 * One at a time: of several, a replay would see the ends in another order and grouping than the run did.
 */
export class QuickLane {
  #taskBegan = Date.now();

  /** To be told that something else than a local activity moved the run. */
  newTask(): void {
    this.#taskBegan = Date.now();
  }

  /** The workflow's clock goes on with each local activity, by what it took. */
  hasTime(): boolean {
    return Date.now() - this.#taskBegan < HELD_MS;
  }

  /** Makes the attempts at once. Returns within a moment; see QuickResult for those that take longer. */
  async dispatch(calls: DispatchInput[], step_refs: string[]): Promise<QuickResult[]> {
    const names = step_refs.join(", ");
    const summary = names.length <= SUMMARY_LENGTH ? names : `${names.slice(0, SUMMARY_LENGTH - 1)}…`;
    const results = await succeeds(() => local(summary).dispatchQuickly({ calls }));
    return results ?? calls.map(() => ({ goes_on_at: null }));
  }

  /** Whether the rows are written. */
  async mirror(rows: MirrorRows): Promise<boolean> {
    const written = await succeeds(async () => {
      await local().mirror(rows);
      return true;
    });
    return written ?? false;
  }
}

/** They answer within a moment by themselves: one that Temporal has to give up was begun by a worker that hangs. */
const local = (summary?: string) =>
  proxyLocalActivities<Activities>({ startToCloseTimeout: "30s", retry: { maximumAttempts: 1 }, summary });

let held = false;

/** Whether a local activity holds the workflow task. */
export const holdsTask = (): boolean => held;

/**
 * A task that is held for too long (80 % of its timeout) is handed in for another one. If it held no command, a replay
 * would take the two for one. So it holds one: a timer, of which nothing is recorded if the activity ends in time.
 */
async function succeeds<Result>(activity: () => Promise<Result>): Promise<Result | undefined> {
  const guard = new CancellationScope();
  guard.run(() => sleep("1 hour", { summary: "quick lane" })).catch(ignoreCancellation);
  held = true;
  try {
    return await activity();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return undefined;
  } finally {
    held = false;
    guard.cancel();
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
