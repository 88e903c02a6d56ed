import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  sleep,
  upsertSearchAttributes,
} from "@temporalio/workflow";
import type { Played, TimedAttemptEvent } from "../activity-types.ts";
import { advance } from "../engine/advance.ts";
import type { InboundEvent } from "../engine/events.ts";
import { evolve } from "../engine/evolve.ts";
import { isMirrored } from "../engine/mirror/mirroring.ts";
import { RULES } from "../engine/plan.ts";
import { carriedState, type Run } from "../engine/run.ts";
import { isRunOver } from "../engine/transitions.ts";
import type { RunInput } from "../messages.ts";
import { COMMAND_COMES_MS } from "../timing.ts";
import { nowOf } from "./clock.ts";
import { detailsOf } from "../web-ui/run-details.ts";
import type { RunResult } from "../web-ui/result.ts";
import { changedAttributes, type Listed, listedOf } from "../web-ui/search-attributes.ts";
import { standingOf } from "../web-ui/standing.ts";
import { endOf } from "./ending.ts";
import { hear, putDueFirst } from "./hearing.ts";
import { receive } from "./inbox.ts";
import { repeatLostPlay } from "./lost-play.ts";
import { Mirror } from "./mirror.ts";
import { isLong, isTooLong, type Mode } from "./mode.ts";
import { open } from "./opening.ts";
import { announceReopened, notifyParent } from "./parent.ts";
import { QuickLane } from "./quick-lane.ts";
import { Reconciler } from "./in-flight/reconciler.ts";
import { Throttle } from "./in-flight/throttle.ts";
import { showWhenAsked } from "./shown-details.ts";
import { WorkflowTask } from "./workflow-task.ts";

/**
 * A workflow run: what arrives goes into the inbox; the loop evolves the run by it, decides what is next, and brings
 * what goes on outside in line.
 */
export async function workflowRun(input: RunInput): Promise<RunResult> {
  const inbox: InboundEvent[] = [];
  let run: Run | undefined;
  receive(inbox, () => run, "run" in input ? (input.run.rules ?? 0) : RULES);
  showWhenAsked(() => (run ? detailsOf(run, standingOf(run)) : ""));
  // The loop itself is not cancelled: a cancellation is an event of the run like any other.
  return CancellationScope.nonCancellable(async () => {
    run = await open(input);
    const slowJobs = ("slow_jobs" in input && input.slow_jobs) || [];
    return new Loop(run, inbox, slowJobs, "carried" in input).untilEnd();
  });
}

/**
 * Steps that may have to wait are awaited here and nowhere deeper: each promise more between a result and the loop would
 * let other results of the same workflow task overtake it, and a replay of older histories would see another order.
 */
class Loop {
  readonly #run: Run;
  readonly #inbox: InboundEvent[];
  readonly #reconciler: Reconciler;
  readonly #throttle = new Throttle();
  readonly #lane = new QuickLane();
  readonly #mirror: Mirror;
  #task: WorkflowTask;
  #listed: Listed;

  /** `isCarried`: it goes on as it was listed before. */
  constructor(run: Run, inbox: InboundEvent[], slowJobs: string[], isCarried: boolean) {
    this.#run = run;
    this.#inbox = inbox;
    this.#reconciler = new Reconciler(run, inbox, slowJobs, this.#throttle);
    this.#mirror = new Mirror(run, this.#lane);
    this.#task = new WorkflowTask(run);
    const { status } = run.state;
    this.#listed = isCarried ? listedOf(run, standingOf(run)) : { status, waitingOn: [] };
  }

  async untilEnd(): Promise<RunResult> {
    for (;;) {
      putDueFirst(this.#inbox, this.#run.plan.run.rules);
      if (this.#mayRepeat()) await repeatLostPlay(this.#run, this.#inbox, this.#lane, this.#task);
      this.#hear();
      if (this.#run.state.returning) {
        await announceReopened(this.#run);
        this.#nextTask();
        continue;
      }
      const isGrown = this.#isDeaf || isLong(this.#reconciler.timers);
      const mode = this.#mode(isGrown);
      if (mode === "normal") advance(this.#run, nowOf(this.#run.plan.run));
      const quick = this.#reconcile(mode);
      this.#mirror.tellOutcomes();
      if (quick.length > 0) {
        // Until then nobody can see the run: what changes again in the same workflow task is neither mirrored nor listed.
        this.#repeat(await this.#lane.play(this.#run, quick, this.#task));
        continue;
      }
      this.#list();
      await this.#mirror.write(this.#task, this.#isMoreToCome(mode));
      this.#lane.releaseTask();
      if (this.#mayEnd()) {
        await notifyParent(this.#run);
        await condition(allHandlersFinished);
        if (this.#inbox.length === 0) return endOf(this.#run);
      } else if (isGrown && this.#mayCarryOn()) {
        await condition(allHandlersFinished);
        if (this.#inbox.length === 0) await this.#carryOn();
      } else await this.#untilMore(mode);
      this.#nextTask();
    }
  }

  #mayRepeat(): boolean {
    return this.#task.mayRepeat(this.#inbox, this.#reconciler.mayPlay());
  }

  #hear(): void {
    for (let event = this.#inbox.shift(); event; event = this.#inbox.shift()) hear(this.#run, this.#task, event);
  }

  /** Temporal takes one cancellation an execution: a run that was opened again after it would hear no other. */
  get #isDeaf(): boolean {
    const { plan, state } = this.#run;
    return this.#task.wasCanceled && !isRunOver(state.status) && (plan.run.rules ?? 0) >= 7;
  }

  #mode(isGrown: boolean): Mode {
    if (this.#lane.isInterrupted) return "interrupted";
    return isGrown && (this.#isDeaf || isTooLong() || this.#reconciler.isResting()) ? "draining" : "normal";
  }

  /** The steps whose attempts are to be made in the quick lane. */
  #reconcile(mode: Mode): number[] {
    const mayPlay = this.#lane.hasTime() && !this.#task.isUnrecalled;
    return this.#reconciler.reconcile(mode, mayPlay);
  }

  /** What was played ahead happens to the run itself. */
  #repeat({ events, interrupted = [], unended }: Played): void {
    for (const event of events) if (this.#happens(event)) advance(this.#run, event.at);
    for (const event of interrupted) this.#happens(event);
    this.#reconciler.handOver(unended);
  }

  #happens(event: TimedAttemptEvent): boolean {
    if (isRunOver(this.#run.state.status)) return false;
    this.#reconciler.assertDispatching(event);
    evolve(this.#run, event);
    return true;
  }

  /** In the Temporal Web UI. */
  #list(): void {
    const listed = listedOf(this.#run, standingOf(this.#run));
    const changed = changedAttributes(this.#listed, listed);
    this.#listed = listed;
    if (changed.length > 0) upsertSearchAttributes(changed);
  }

  #isMoreToCome(mode: Mode): boolean {
    return this.#reconciler.activity === "under way" || mode === "interrupted";
  }

  #mayEnd(): boolean {
    return isRunOver(this.#run.state.status) && this.#reconciler.activity === "none" && isMirrored(this.#run);
  }

  #mayCarryOn(): boolean {
    return this.#reconciler.isResting() && isMirrored(this.#run) && this.#inbox.length === 0;
  }

  #carryOn(): Promise<never> {
    const { plan, state } = this.#run;
    return continueAsNew<typeof workflowRun>({ run: plan.run, steps: plan.steps, carried: carriedState(state) });
  }

  /** Until something arrives, or something that went on outside has ended and the run may do what it could not. */
  #untilMore(mode: Mode): Promise<unknown> {
    if (mode === "normal" && this.#throttle.isCutShort()) return sleep(1, { summary: "more steps" });
    const { inFlight } = this.#run;
    const { activity } = this.#reconciler;
    const isMore = () =>
      this.#inbox.length > 0 ||
      this.#run.inFlight !== inFlight ||
      this.#reconciler.activity !== activity ||
      (mode === "normal" && this.#throttle.hasPlace());
    return mode === "interrupted" ? condition(isMore, COMMAND_COMES_MS) : condition(isMore);
  }

  #nextTask(): void {
    this.#task = new WorkflowTask(this.#run, this.#task);
    this.#lane.newTask();
    this.#throttle.newTask();
  }
}
