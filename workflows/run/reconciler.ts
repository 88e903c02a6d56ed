import { CancellationScope, isCancellation, sleep } from "@temporalio/workflow";
import type { Played } from "../activity-types.ts";
import { type Attempt, attemptOf } from "../attempt-input.ts";
import type { InboundEvent } from "../engine/events.ts";
import type { PlanStep } from "../engine/plan.ts";
import type { Run } from "../engine/run.ts";
import type { StepState } from "../engine/state.ts";
import type { Work } from "../engine/steps/kind.ts";
import { isRunOver } from "../engine/transitions.ts";
import { workOf } from "../engine/work.ts";
import { Children } from "./children.ts";
import { nowOf } from "./clock.ts";
import { dispatch } from "./dispatch.ts";
import { emit, lookUp, notify, openWait } from "./step-effects.ts";

const ACTIVITIES: ReadonlySet<Work["kind"]> = new Set(["dispatch", "look-up", "open-wait", "notify", "emit"]);

/** The server refuses a run more than 2,000 at once. */
const MOST_ACTIVITIES = 1_000;
/** With ten thousand timers in one workflow task the server does not finish it in time. */
const MOST_A_TASK = 500;

/** What goes on outside for a run: activities, timers and children, one cancellation scope each. */
export class Reconciler {
  readonly #run: Run;
  readonly #inbox: InboundEvent[];
  readonly #going = new Map<number, Map<string, { work: Work; scope: CancellationScope }>>();
  #activities = 0;
  #timers = 0;
  /** In this workflow task. */
  #begun = 0;
  readonly #children: Children;
  #held = new Set<number>();
  /** Jobs whose calls take long, with the task queue of the process that made the last one, if that was for this run. */
  readonly #slow: Map<string, string | undefined>;
  readonly #jobs: Set<string>;
  #expiry: { at: number; scope: CancellationScope } | undefined;

  constructor(run: Run, inbox: InboundEvent[], slowJobs: string[]) {
    this.#jobs = new Set(run.plan.steps.flatMap(({ job_id }) => job_id ?? []));
    this.#run = run;
    this.#inbox = inbox;
    this.#slow = new Map(slowJobs.map((id) => [id, undefined]));
    this.#children = new Children(run, inbox);
  }

  /**
   * Nothing goes on any more. A child that said how it ended closes in a moment: that news would come between the last
   * workflow task and its end, the server would refuse it, and with it what the quick lane did in it.
   */
  isIdle(): boolean {
    return this.#going.size === 0 && !this.#children.isClosing();
  }

  /** An activity, whose end is news. */
  isUnderWay(): boolean {
    return this.#activities > 0;
  }

  /** Only what can be begun again after a continue-as-new goes on: timers, and children that run by themselves. */
  isResting(): boolean {
    return this.#activities === 0 && !this.#children.isStarting();
  }

  /** Whether calls may come that are made at once. */
  mayPlay(): boolean {
    const { state, schedule } = this.#run;
    return !isRunOver(state.status) && schedule.unfinished > 0 && this.#hasQuickJobs();
  }

  #hasQuickJobs(): boolean {
    for (const id of this.#jobs) if (!this.#slow.has(id)) return true;
    return false;
  }

  /**
   * Begins what should go on for the steps touched since the last call, cancels what should not. `holding`: begins no
   * activities. `quickly`: begins no attempts of jobs that may be quick, but returns their steps for the quick lane.
   */
  reconcile(holding: boolean, quickly: boolean): number[] {
    const { touched } = this.#run;
    // Only as many as may begin: to look at all of thousands at each event would take longer than the events.
    for (const i of [...this.#held].slice(0, MOST_A_TASK - this.#begun)) touched.add(i);
    for (const i of touched) this.#held.delete(i);
    const quick: number[] = [];
    for (const i of touched) this.#reconcileStep(i, holding, quickly ? quick : undefined);
    touched.clear();
    this.#reconcileExpiry();
    return quick;
  }

  get #rules(): number {
    return this.#run.plan.run.rules ?? 0;
  }

  /** How many are to be started again after a continue-as-new. */
  get timers(): number {
    return this.#timers;
  }

  /** To be told that another workflow task has begun. */
  newTask(): void {
    this.#begun = 0;
  }

  /** The rest of what should go on is to begin in another workflow task. */
  isCutShort(): boolean {
    return this.#held.size > 0 && this.#begun >= MOST_A_TASK;
  }

  /** Something is held back for which there is a place by now. */
  canBegin(): boolean {
    return this.#held.size > 0 && this.#activities < MOST_ACTIVITIES;
  }

  #reconcileStep(i: number, holding: boolean, quick: number[] | undefined): void {
    const wanted = new Map(workOf(this.#run, i).map((work) => [work.key, work]));
    const going = this.#going.get(i) ?? new Map<string, { work: Work; scope: CancellationScope }>();
    for (const [key, { scope }] of going) if (!wanted.has(key)) scope.cancel();
    for (const [key, work] of wanted) {
      if (going.has(key)) continue;
      const mayBegin = !ACTIVITIES.has(work.kind) || !(holding || this.#activities >= MOST_ACTIVITIES);
      if (!mayBegin || this.#begun >= MOST_A_TASK) this.#held.add(i);
      else if (work.kind !== "dispatch") this.#begin(i, work);
      else if (quick && !this.#slow.has(this.#jobOf(i))) quick.push(i);
      // By rules 0 the process that made the job's last call made the next one.
      else this.#begin(i, work, this.#rules >= 1 ? undefined : this.#slow.get(this.#jobOf(i)));
    }
  }

  /** An attempt of the quick lane has ended: it has to be one that the run makes. */
  assertDispatching({ step, attempt }: Played["events"][number]): void {
    const work = this.#dispatchOf(step);
    if (work && this.#run.state.steps[step]?.attempt === attempt) return;
    throw new Error(`[TMPRL1100] step ${step} has made an attempt that the run does not make`);
  }

  /** Attempts that were begun in the quick lane, and take longer, go on like other work; those for later are held back. */
  handOver(going: Played["going"]): void {
    for (const { step, queue, slow, anywhere, later } of going) {
      if (later) {
        this.#held.add(step);
        continue;
      }
      // In old histories it is null where there is none.
      if (slow && queue != null) this.#slow.set(this.#jobOf(step), queue);
      const work = this.#dispatchOf(step);
      if (work) this.#begin(step, work, anywhere ? undefined : (queue ?? undefined));
    }
  }

  #dispatchOf(step: number): Work | undefined {
    return workOf(this.#run, step).find(({ kind }) => kind === "dispatch");
  }

  #jobOf(step: number): string {
    return this.#run.plan.steps[step]?.job_id ?? "";
  }

  #reconcileExpiry(): void {
    const { status, expires_at } = this.#run.state;
    const wanted = isRunOver(status) ? undefined : expires_at;
    if (this.#expiry?.at === wanted) return;
    this.#expiry?.scope.cancel();
    this.#expiry = undefined;
    if (wanted === undefined) return;
    const scope = new CancellationScope();
    this.#expiry = { at: wanted, scope };
    scope
      .run(() => sleep(Math.max(1, Math.ceil(wanted - nowOf(this.#run.plan.run))), { summary: "run timeout" }))
      .then(() => this.#inbox.push({ type: "run_expired", due: wanted }), ignoreCancellation);
  }

  /** `queue`: of the process that makes the attempt of a job already. */
  #begin(i: number, work: Work, queue?: string): void {
    const definition = this.#run.plan.steps[i] as PlanStep;
    const step = this.#run.state.steps[i] as StepState;
    const scope = new CancellationScope();
    const going = this.#going.get(i) ?? new Map();
    this.#going.set(i, going.set(work.key, { work, scope }));
    this.#begun++;
    if (ACTIVITIES.has(work.kind)) this.#activities++;
    if (work.kind === "timer") this.#timers++;
    const end = () => {
      if (ACTIVITIES.has(work.kind)) this.#activities--;
      if (work.kind === "timer") this.#timers--;
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

  #perform(i: number, definition: PlanStep, step: StepState, work: Work, queue: string | undefined): Promise<void> {
    switch (work.kind) {
      case "dispatch":
        return this.#dispatch(attemptOf(this.#run, i), queue);
      case "look-up":
        return this.#hear(lookUp(this.#run, i, definition, step));
      case "open-wait":
        return this.#hear(openWait(this.#run, i, definition, step));
      case "notify":
        return this.#hear(notify(this.#run, i, definition, step));
      case "emit":
        return this.#hear(emit(this.#run, i, definition, step));
      case "child":
        return this.#children.run(i, definition, step, work.child_run_id);
      case "timer":
        return this.#timer(i, definition, step, work.until);
    }
  }

  async #hear(effect: Promise<InboundEvent | undefined>): Promise<void> {
    const news = await effect;
    if (news) this.#inbox.push(news);
  }

  async #timer(step: number, { step_ref }: PlanStep, { generation }: StepState, until: number): Promise<void> {
    await sleep(Math.max(1, Math.ceil(until - nowOf(this.#run.plan.run))), { summary: step_ref });
    this.#inbox.push({ type: "deadline_passed", due: until, step, generation, deadline: until });
  }

  async #dispatch(attempt: Attempt, queue: string | undefined): Promise<void> {
    const { job_id } = attempt.input;
    // Whoever loses a process need not look for it again.
    const lost = () => this.#slow.delete(job_id);
    this.#inbox.push(await dispatch(attempt, this.#rules, queue, this.#slow.get(job_id), lost));
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
