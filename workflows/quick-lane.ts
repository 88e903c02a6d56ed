import { CancellationScope, isCancellation, proxyLocalActivities, sleep } from "@temporalio/workflow";
import type { Activities, Played } from "../activities/index.ts";
import type { Plan, PlanStep } from "./engine/plan.ts";
import type { MirrorRows } from "./engine/rows.ts";
import type { Run, StepState } from "./engine/state.ts";

/** Signals and queries wait for the end of a workflow task, and local activities hold it: after so long the ordinary way is taken. */
const HELD_MS = 250;

/** Of a summary the server takes 400 bytes. */
const SUMMARY_LENGTH = 100;

/** A run of more steps takes longer to be handed over than it is played ahead: only what is begun is, with what that needs. */
const MOST_STEPS = 300;

const neededBy = ({ dependencies }: Plan, begin: number[]): number[] => [
  ...new Set(begin.flatMap((step) => [step, ...(dependencies[step] ?? [])])),
];

/** What the steps wait for is not handed over with them. */
const withoutNeeds = (step: PlanStep): PlanStep => ({ ...step, depends_on: [] });

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
   * Makes the attempts of these steps at once, and those that follow from them. Returns within a moment; see Played for
   * those that take longer.
   */
  play({ plan, state }: Run, begin: number[]): Promise<Played> {
    const names = begin.map((step) => plan.steps[step]?.step_ref).join(", ");
    const summary = names.length <= SUMMARY_LENGTH ? names : `${names.slice(0, SUMMARY_LENGTH - 1)}…`;
    const isWhole = plan.steps.length <= MOST_STEPS;
    const shown = isWhole ? [...plan.steps.keys()] : neededBy(plan, begin);
    const steps = shown.map((i) => plan.steps[i] as PlanStep);
    const input = {
      run: plan.run,
      steps: isWhole ? steps : steps.map((step, i) => (begin.includes(shown[i] as number) ? step : withoutNeeds(step))),
      state: { ...state, steps: shown.map((i) => state.steps[i] as StepState), commands: [] },
      begin: begin.map((step) => shown.indexOf(step)),
      now: Date.now(),
      heard: state.commands.at(-1)?.id,
    };
    return this.#hold(local(summary).playAhead(input), (played) => {
      if (played === FAILED) return { events: [], going: begin.map((step) => ({ step })) };
      const events = played.events.map((event) => ({ ...event, step: shown[event.step] as number }));
      return { events, going: played.going.map((one) => ({ ...one, step: shown[one.step] as number })) };
    });
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
