import { CancellationScope, sleep, workflowInfo } from "@temporalio/workflow";
import type { TimedAttemptEvent, Unended } from "../../activity-types.ts";
import { type Attempt, attemptOf } from "../../attempt-input.ts";
import type { InboundEvent } from "../../engine/events.ts";
import type { PlanStep } from "../../engine/plan.ts";
import type { Run } from "../../engine/run.ts";
import type { StepState } from "../../engine/state.ts";
import type { Work } from "../../engine/steps/kind.ts";
import { isRunOver } from "../../engine/transitions.ts";
import { workOf } from "../../engine/steps/work.ts";
import { Children } from "./children.ts";
import { dispatch } from "./dispatch.ts";
import type { Mode } from "../mode.ts";
import { ignoreCancellation, sleepUntil } from "../sleep-until.ts";
import { RunTimeout } from "./run-timeout.ts";
import { SlowJobs } from "./slow-jobs.ts";
import { emit, lookUp, notify, openGate, openWait } from "./step-effects.ts";
import type { Throttle } from "./throttle.ts";
import { type Bar, barOf, timerSummary } from "../../web-ui/bar.ts";

const IS_ACTIVITY: Record<Going["kind"], boolean> = {
  dispatch: true,
  "look-up": true,
  "open-gate": true,
  "open-wait": true,
  notify: true,
  emit: true,
  child: false,
  timer: false,
  bar: false,
};

/** What goes on for a step. */
type Going = Work | Bar;

const WITHOUT_END = "3650 days";

/** Not one that was reset, whose calls the one before may have made. */
const isOriginal = () => workflowInfo().runId === workflowInfo().firstExecutionRunId;

/** What goes on outside for a run: activities, timers and children, one cancellation scope each. */
export class Reconciler {
  readonly #run: Run;
  readonly #inbox: InboundEvent[];
  readonly #going = new Map<number, Map<string, CancellationScope>>();
  readonly #throttle: Throttle;
  readonly #children: Children;
  readonly #slowJobs: SlowJobs;
  readonly #timeout = new RunTimeout();
  #timers = 0;

  constructor(run: Run, inbox: InboundEvent[], slowJobs: string[], throttle: Throttle) {
    this.#run = run;
    this.#throttle = throttle;
    this.#inbox = inbox;
    this.#slowJobs = new SlowJobs(run, slowJobs);
    this.#children = new Children(run, inbox);
  }

  /**
   * "under way": an activity goes on. "waiting": timers and children only. "none": nothing goes on any more. A child that
   * has signalled its end closes in a moment: an event that comes between the last workflow task and its completion makes
   * the server refuse that, and with it what the quick lane did in the task.
   */
  get activity(): "under way" | "waiting" | "none" {
    if (this.#throttle.activities > 0) return "under way";
    return this.#going.size === 0 && !this.#children.isClosing() ? "none" : "waiting";
  }

  /** Only what can be begun again after a continue-as-new goes on: timers, and children that run by themselves. */
  isResting(): boolean {
    return this.activity !== "under way" && !this.#children.isStarting();
  }

  /** How many are to be started again after a continue-as-new. */
  get timers(): number {
    return this.#timers;
  }

  /** Whether calls may come that are made at once. */
  mayPlay(): boolean {
    const { state, schedule } = this.#run;
    return !isRunOver(state.status) && schedule.unfinished > 0 && this.#slowJobs.isQuickLeft();
  }

  /**
   * Begins what should go on for the steps touched since the last call, cancels what should not; activities begin in normal
   * mode only. `mayPlay`: begins no attempts of jobs that may be quick, but returns their steps for the quick lane.
   */
  reconcile(mode: Mode, mayPlay: boolean): number[] {
    const { touched } = this.#run;
    this.#throttle.takeDeferred(touched);
    const quick: number[] = [];
    for (const i of touched) this.#reconcileStep(i, mode, mayPlay ? quick : undefined);
    touched.clear();
    this.#timeout.reconcile(this.#run, this.#inbox);
    return quick;
  }

  get #rules(): number {
    return this.#run.plan.run.rules ?? 0;
  }

  #reconcileStep(i: number, mode: Mode, quick: number[] | undefined): void {
    const works: Going[] = [...workOf(this.#run, i), ...barOf(this.#run, i)];
    const due = new Map(works.map((work) => [work.key, work]));
    const going = this.#going.get(i) ?? new Map<string, CancellationScope>();
    for (const [key, scope] of going) if (!due.has(key)) scope.cancel();
    for (const [key, work] of due) {
      if (going.has(key)) continue;
      const isActivity = IS_ACTIVITY[work.kind];
      if ((isActivity && mode !== "normal") || !this.#throttle.mayBegin(isActivity)) this.#throttle.defer(i);
      else if (work.kind !== "dispatch") this.#begin(i, work);
      else if (quick && !this.#slowJobs.has(this.#jobOf(i))) quick.push(i);
      // By rules 0 the process that made the job's last call made the next one.
      else this.#begin(i, work, this.#rules >= 1 ? undefined : this.#slowJobs.queueOf(this.#jobOf(i)));
    }
  }

  /** An attempt of the quick lane has ended: it has to be one that the run makes. */
  assertDispatching({ step, attempt }: TimedAttemptEvent): void {
    const work = this.#dispatchOf(step);
    if (work && this.#run.state.steps[step]?.attempt === attempt) return;
    // What the SDK says of non-determinism: the task is tried again, and the run does not fail.
    throw new Error(`[TMPRL1100] step ${step} has made an attempt that the run does not make`);
  }

  /** Attempts of the quick lane that have not ended go on like other work. */
  handOver(unended: Unended[]): void {
    for (const one of unended) {
      const { kind, step } = one;
      if (kind === "deferred") {
        this.#throttle.defer(step);
        continue;
      }
      if (kind === "slow-here" || kind === "slow-elsewhere") this.#slowJobs.add(this.#jobOf(step), one.queue);
      const work = this.#dispatchOf(step);
      if (work) this.#begin(step, work, kind === "here" || kind === "slow-here" ? one.queue : undefined);
    }
  }

  #dispatchOf(step: number): Work | undefined {
    return workOf(this.#run, step).find(({ kind }) => kind === "dispatch");
  }

  #jobOf(step: number): string {
    return this.#run.plan.steps[step]?.job_id ?? "";
  }

  /** `queue`: of the process that makes the attempt of a job already. */
  #begin(i: number, work: Going, queue?: string): void {
    const definition = this.#run.plan.steps[i] as PlanStep;
    const step = this.#run.state.steps[i] as StepState;
    const scope = new CancellationScope();
    const going = this.#going.get(i) ?? new Map();
    this.#going.set(i, going.set(work.key, scope));
    const isActivity = IS_ACTIVITY[work.kind];
    this.#throttle.begins(isActivity);
    const isTimer = work.kind === "timer" || work.kind === "bar";
    if (isTimer) this.#timers++;
    const end = () => {
      this.#throttle.ends(isActivity);
      if (isTimer) this.#timers--;
      going.delete(work.key);
      if (going.size === 0) this.#going.delete(i);
    };
    scope
      .run(() => this.#perform(i, definition, step, work, queue))
      .then(end, (error) => {
        end();
        ignoreCancellation(error);
      });
  }

  #perform(i: number, definition: PlanStep, step: StepState, work: Going, queue: string | undefined): Promise<void> {
    switch (work.kind) {
      case "dispatch":
        return this.#dispatch(attemptOf(this.#run, i), queue);
      case "look-up":
        return this.#hear(lookUp(this.#run, i, definition, step));
      case "open-gate":
        return this.#hear(openGate(this.#run, i, definition, step));
      case "open-wait":
        return this.#hear(openWait(this.#run, i, definition, step));
      case "notify":
        return this.#hear(notify(this.#run, i, definition, step));
      case "emit":
        return this.#hear(emit(this.#run, i, definition, step));
      case "child":
        return this.#children.run(i, definition, step, work.child_run_id);
      case "timer":
        return this.#timer(i, step, work.until);
      case "bar":
        return sleep(WITHOUT_END, { summary: timerSummary(this.#run, i) });
    }
  }

  async #hear(effect: Promise<InboundEvent | undefined>): Promise<void> {
    const event = await effect;
    if (event) this.#inbox.push(event);
  }

  async #timer(step: number, { generation }: StepState, until: number): Promise<void> {
    await sleepUntil(this.#run, until, timerSummary(this.#run, step));
    this.#inbox.push({ type: "deadline_passed", due: until, step, generation, deadline: until });
  }

  async #dispatch(attempt: Attempt, queue: string | undefined): Promise<void> {
    const { job_id } = attempt.input;
    const lost = () => this.#slowJobs.delete(job_id);
    if (queue === undefined && this.#slowJobs.wereAllSlow && isOriginal()) attempt.input.fresh = true;
    this.#inbox.push(await dispatch(attempt, this.#rules, queue, this.#slowJobs.queueOf(job_id), lost));
  }
}
