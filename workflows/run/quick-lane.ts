import { CancellationScope, isCancellation, proxyLocalActivities, sleep, workflowInfo } from "@temporalio/workflow";
import type { Activities, Played } from "../activity-types.ts";
import { excerptOf } from "../engine/excerpt.ts";
import type { MirrorRows } from "../engine/mirror/rows.ts";
import type { Run } from "../engine/run.ts";
import type { Heard, Recalled, TaskState } from "../journal-types.ts";
import { newsOf } from "../web-ui/news.ts";
import { clipped, SUMMARY_LENGTH } from "../web-ui/text.ts";
import { COMMAND_ACKNOWLEDGED_MS, HELD_MS, LOCAL_ACTIVITY_MS } from "../timing.ts";
import { nowOf } from "./clock.ts";
import { playedOf, type RecordedPlay } from "./recorded-play.ts";
import type { WorkflowTask } from "./workflow-task.ts";
import { ignoreCancellation } from "./sleep-until.ts";

function acknowledgedSince({ state: { commands } }: Run, since: number): string[] {
  const from = commands.findLastIndex(({ at }) => at < since) + 1;
  return commands.slice(from).map(({ id }) => id);
}

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
  #isInterrupted = false;
  #guard: CancellationScope | undefined;

  /** To be called when something else than a local activity has moved the run. */
  newTask(): void {
    this.#taskBegan = Date.now();
    this.#isInterrupted = false;
  }

  /** A command waits for the end of this workflow task. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** The workflow's clock goes on with each local activity, by what it took. */
  hasTime(): boolean {
    return Date.now() - this.#taskBegan < HELD_MS;
  }

  /**
   * Makes the attempts of these steps at once, and those that follow from them. Returns within a moment; see Played for
   * those that take longer.
   */
  play(run: Run, begin: number[], task: WorkflowTask): Promise<Played> {
    task.takeUnjournaled();
    const names = begin.map((step) => run.plan.steps[step]?.step_ref).join(", ");
    const excerpt = excerptOf(run, begin);
    const now = nowOf(run.plan.run);
    const acknowledged = acknowledgedSince(run, now - COMMAND_ACKNOWLEDGED_MS);
    // What a replay asks for, another worker may have begun, long ago.
    const replayed = workflowInfo().unsafe.isReplaying;
    const fresh = task.isFresh && !replayed;
    const input = { ...excerpt, now, acknowledged, task: task.state, fresh, replayed };
    return this.#hold<RecordedPlay, Played>(local(clipped(names, SUMMARY_LENGTH)).playAhead(input), (recorded) => {
      if (recorded === FAILED) return { events: [], unended: begin.map((step) => ({ kind: "anywhere", step })) };
      const { events, interrupted, unended } = playedOf(recorded);
      this.#isInterrupted = interrupted !== undefined;
      const inRun = <Of extends { step: number }>(one: Of): Of => ({
        ...one,
        step: excerpt.numbers[one.step] as number,
      });
      return { events: events.map(inRun), interrupted: interrupted?.map(inRun), unended: unended.map(inRun) };
    });
  }

  /** What a lost try of this workflow task has played. Undefined: nobody could say. */
  recall({ plan }: Run, { state, after, settled }: WorkflowTask): Promise<Recalled[] | undefined> {
    const input = { run_id: plan.run.id, execution: state.execution, after, settled };
    return this.#hold(local().recall(input), (recalled) => (recalled === FAILED ? undefined : recalled));
  }

  /** Whether the rows are written. */
  mirror(rows: MirrorRows, heard: (Heard & TaskState) | undefined): Promise<boolean> {
    return this.#hold(local(newsOf(rows)).mirror(rows, heard), (result) => result !== FAILED);
  }

  /** To be called before the run waits for anything else, or ends. */
  releaseTask(): void {
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

const local = (summary?: string) =>
  proxyLocalActivities<Activities>({ startToCloseTimeout: LOCAL_ACTIVITY_MS, retry: { maximumAttempts: 1 }, summary });

/**
 * A task that is held for too long (80 % of its timeout) is handed in for another one. If it held no command, a replay
 * would take the two for one. So it holds one: a timer, of which nothing is recorded if it is cancelled in time.
 */
function guard(): CancellationScope {
  const scope = new CancellationScope();
  scope.run(() => sleep("1 hour", { summary: "quick lane" })).catch(ignoreCancellation);
  return scope;
}
