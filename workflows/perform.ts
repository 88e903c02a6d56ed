import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  sleep,
  startChild,
  WorkflowIdReusePolicy,
} from "@temporalio/workflow";
import type { Played } from "../activities/index.ts";
import { stepEffects } from "./activities.ts";
import { type Attempt, attemptOf } from "./attempt.ts";
import { dispatch } from "./dispatch.ts";
import type { News } from "./engine/events.ts";
import { stepRunId } from "./engine/ids.ts";
import type { PlanStep } from "./engine/plan.ts";
import type { Run, StepState } from "./engine/state.ts";
import { isRunOver } from "./engine/transitions.ts";
import { triggerId } from "./engine/view.ts";
import { type Work, workOf } from "./engine/work.ts";
import { commandSignals, parentClosedSignal } from "./messages.ts";
import type { workflowRun } from "./run.ts";
import { sourcesOf } from "./sources.ts";
import { webUiHeaders } from "./web-ui.ts";

const ACTIVITIES: ReadonlySet<Work["kind"]> = new Set(["dispatch", "open-wait", "emit"]);

/** The server refuses a run more than 2,000 at once. */
const MOST_ACTIVITIES = 1_000;
/** With ten thousand timers in one workflow task the server does not finish it in time. */
const MOST_A_TASK = 500;

/** What goes on outside for a run: activities, timers and children, one cancellation scope each. */
export class Performance {
  readonly #run: Run;
  readonly #inbox: News[];
  readonly #going = new Map<number, Map<string, { work: Work; scope: CancellationScope }>>();
  #activities = 0;
  #timers = 0;
  /** In this workflow task. */
  #begun = 0;
  #children = 0;
  /** Executions of children that are not closed yet, by run id, with their step. */
  readonly #unclosed = new Map<string, number>();
  #held = new Set<number>();
  /** Jobs whose calls take long, with the task queue of the process that made the last one. */
  readonly #slow = new Map<string, string>();
  #expiry: { at: number; scope: CancellationScope } | undefined;

  constructor(run: Run, inbox: News[]) {
    this.#run = run;
    this.#inbox = inbox;
  }

  /**
   * Nothing goes on any more. A child that said how it ended closes in a moment: that news would come between the last
   * workflow task and its end, the server would refuse it, and with it what the quick lane did in it.
   */
  isIdle(): boolean {
    return this.#going.size === 0 && !this.#isChildClosing();
  }

  #isChildClosing(): boolean {
    for (const [id, step] of this.#unclosed) if (this.#run.state.steps[step]?.child_ended === id) return true;
    return false;
  }

  /** An activity, whose end is news. */
  isUnderWay(): boolean {
    return this.#activities > 0;
  }

  /** Only what can be begun again after a continue-as-new goes on: timers, and children that run by themselves. */
  isResting(): boolean {
    return this.#activities === 0 && this.#children === 0;
  }

  /**
   * Begins what should go on for the steps touched since the last call, cancels what should not. `holding`: begins no
   * activities. `quickly`: begins no attempts of jobs that may be quick, but returns their steps for the quick lane.
   */
  align(holding: boolean, quickly: boolean): number[] {
    const { touched } = this.#run;
    // Only as many as may begin: to look at all of thousands at each event would take longer than the events.
    for (const i of [...this.#held].slice(0, MOST_A_TASK - this.#begun)) touched.add(i);
    for (const i of touched) this.#held.delete(i);
    const quick: number[] = [];
    for (const i of touched) this.#alignStep(i, holding, quickly ? quick : undefined);
    touched.clear();
    this.#alignExpiry();
    return quick;
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

  #alignStep(i: number, holding: boolean, quick: number[] | undefined): void {
    const wanted = new Map(workOf(this.#run, i).map((work) => [work.key, work]));
    const going = this.#going.get(i) ?? new Map<string, { work: Work; scope: CancellationScope }>();
    for (const [key, { scope }] of going) if (!wanted.has(key)) scope.cancel();
    for (const [key, work] of wanted) {
      if (going.has(key)) continue;
      const mayBegin = !ACTIVITIES.has(work.kind) || !(holding || this.#activities >= MOST_ACTIVITIES);
      if (!mayBegin || this.#begun >= MOST_A_TASK) this.#held.add(i);
      else if (work.kind !== "dispatch") this.#begin(i, work, null);
      else if (quick && !this.#slow.has(this.#jobOf(i))) quick.push(i);
      else this.#begin(i, work, this.#slow.get(this.#jobOf(i)) ?? null);
    }
  }

  /** An attempt of the quick lane has ended: it has to be one that the run makes. */
  assertDispatching({ step, attempt }: Played["events"][number]): void {
    const work = this.#dispatchOf(step);
    if (work && this.#run.state.steps[step]?.attempt === attempt) return;
    throw new Error(`[TMPRL1100] step ${step} has made an attempt that the run does not make`);
  }

  /** Attempts that were begun in the quick lane, and take longer, go on like other work. */
  handOver(going: Played["going"]): void {
    for (const { step, queue, slow } of going) {
      if (slow && queue !== null) this.#slow.set(this.#jobOf(step), queue);
      const work = this.#dispatchOf(step);
      if (work) this.#begin(step, work, queue);
    }
  }

  #dispatchOf(step: number): Work | undefined {
    return workOf(this.#run, step).find(({ kind }) => kind === "dispatch");
  }

  #jobOf(step: number): string {
    return this.#run.plan.steps[step]?.job_id ?? "";
  }

  #alignExpiry(): void {
    const { status, expires_at } = this.#run.state;
    const wanted = isRunOver(status) ? undefined : expires_at;
    if (this.#expiry?.at === wanted) return;
    this.#expiry?.scope.cancel();
    this.#expiry = undefined;
    if (wanted === undefined) return;
    const scope = new CancellationScope();
    this.#expiry = { at: wanted, scope };
    scope
      .run(() => sleep(Math.max(1, wanted - Date.now()), { summary: "run timeout" }))
      .then(() => this.#inbox.push({ type: "run_expired", due: wanted }), ignoreCancellation);
  }

  /** `queue`: of the process that makes, or is to make, the attempt of a job. */
  #begin(i: number, work: Work, queue: string | null): void {
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

  #perform(i: number, definition: PlanStep, step: StepState, work: Work, queue: string | null): Promise<void> {
    switch (work.kind) {
      case "dispatch":
        return this.#dispatch(attemptOf(this.#run, i), queue);
      case "open-wait":
        return this.#openWait(i, definition, step);
      case "emit":
        return this.#emit(i, definition, step);
      case "child":
        return this.#child(i, definition, step, work.child_run_id);
      case "timer":
        return this.#timer(i, definition, step, work.until);
    }
  }

  async #timer(step: number, { step_ref }: PlanStep, { generation }: StepState, until: number): Promise<void> {
    await sleep(Math.max(1, until - Date.now()), { summary: step_ref });
    this.#inbox.push({ type: "deadline_passed", due: until, step, generation, deadline: until });
  }

  async #dispatch(attempt: Attempt, queue: string | null): Promise<void> {
    // Whoever loses a process need not look for it again.
    const lost = () => this.#slow.delete(attempt.input.job_id);
    this.#inbox.push(await dispatch(attempt, queue, lost));
  }

  async #openWait(step: number, definition: PlanStep, { generation, trigger }: StepState): Promise<void> {
    if (!trigger) return;
    const { run } = this.#run.plan;
    const id = stepRunId(run.id, step);
    // Not to be cancelled half-way: the key it may have claimed could not be freed then.
    const opened = await CancellationScope.nonCancellable(() =>
      stepEffects(definition.step_ref).openWait({
        trigger_id: triggerId("wait_for_event", id),
        step_run_id: id,
        step_ref: definition.step_ref,
        event_key: definition.event_key ?? "",
        event_timeout_secs: ((trigger.expires_at ?? 0) - trigger.requested_at) / 1000,
        requested_at: trigger.requested_at,
        expires_at: trigger.expires_at ?? 0,
        notify_url: definition.event_notify_url,
        revision: this.#run.state.revision,
        sources: sourcesOf(this.#run, step),
      }),
    );
    const news = { step, generation };
    if ("refused" in opened) this.#inbox.push({ ...news, type: "wait_refused", error: opened.refused });
    else this.#inbox.push({ ...news, type: "wait_opened", event_key: opened.event_key });
  }

  async #emit(step: number, definition: PlanStep, { generation, output }: StepState): Promise<void> {
    const sources = sourcesOf(this.#run, step);
    const event_emit_key = definition.event_emit_key ?? "";
    const waiting = await stepEffects(definition.step_ref).findWaiting({ event_emit_key, sources });
    if (waiting) {
      const actor = `workflow-run:${this.#run.plan.run.id}`;
      const id = `emit:${stepRunId(this.#run.plan.run.id, step)}:${generation}`;
      const { run_id, step_ref, event_key } = waiting;
      const target = getExternalWorkflowHandle(run_id);
      // It may have ended in between: then nobody waits any more.
      await target
        .signal(commandSignals["send-event"], { id, actor, result: output, step_ref, event_key })
        .catch(ignoreUnlessCancelled);
    }
    this.#inbox.push({ type: "emitted", step, generation });
  }

  /**
   * Starts the child once and stays until the step has ended; if that was without the child, the child is told. What
   * is begun is not cancelled half-way: a child that was prepared is started, if only to be told.
   */
  async #child(step: number, definition: PlanStep, state: StepState, child_run_id: string): Promise<void> {
    const { generation } = state;
    if (!state.child_started) {
      this.#children++;
      const refused = await CancellationScope.nonCancellable(() => this.#startChild(step, definition, child_run_id));
      this.#children--;
      const news = { step, generation };
      if (refused !== undefined) {
        this.#inbox.push({ ...news, type: "child_refused", error: refused });
        return;
      }
      this.#inbox.push({ ...news, type: "child_started" });
    }
    try {
      await CancellationScope.current().cancelRequested;
    } catch {
      const { status, child_ended } = this.#run.state.steps[step] ?? {};
      if (child_ended === child_run_id) return;
      const timedOut = this.#run.state.status === "timed_out" && status === "canceled";
      await CancellationScope.nonCancellable(() =>
        getExternalWorkflowHandle(child_run_id)
          .signal(parentClosedSignal, { status: timedOut ? "timed_out" : "canceled" })
          .catch(ignoreUnlessCancelled),
      );
    }
  }

  async #startChild(step: number, definition: PlanStep, child_run_id: string): Promise<string | undefined> {
    const { run } = this.#run.plan;
    const { child, generation } = this.#run.state.steps[step] as StepState;
    if (child) return this.#reopenChild(step, definition, child_run_id, child === "adopted", generation);
    const prepared = await stepEffects(definition.step_ref).prepareChild({
      child_run_id,
      sub_workflow_id: definition.sub_workflow_id ?? "",
      parent_step_run_id: stepRunId(run.id, step),
      depth: run.depth + 1,
      max_nesting_depth: definition.max_nesting_depth || DEFAULT_NESTING_DEPTH,
      expires_no_later_than: this.#run.state.expires_at,
      now: Date.now(),
      created_by: run.created_by,
      sources: sourcesOf(this.#run, step),
    });
    if ("refused" in prepared) return prepared.refused;
    try {
      const started = await startChild<typeof workflowRun>("workflowRun", {
        ...webUiHeaders(prepared.run),
        workflowId: child_run_id,
        args: [{ run: prepared.run, steps: prepared.steps }],
        // It tells its parent when it ends, by workflow id: so the parent may continue as new meanwhile.
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      });
      this.#unclosed.set(child_run_id, step);
      const closed = () => void this.#unclosed.delete(child_run_id);
      started.result().then(closed, closed);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return undefined;
  }

  async #reopenChild(step: number, { step_ref }: PlanStep, run_id: string, only_tell: boolean, life: number) {
    const parent = this.#run.plan.run.id;
    const id = `reopen:${stepRunId(parent, step)}:${life}`;
    const command = { id, actor: `workflow-run:${parent}`, life, only_tell };
    const { refused } = await stepEffects(step_ref).reopenRun({ run_id, verb: "reopen", command });
    return refused;
  }
}

const DEFAULT_NESTING_DEPTH = 10;

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}

/** Of a signal to another workflow: that one is gone, so nobody is left to be told. */
function ignoreUnlessCancelled(error: unknown): void {
  if (isCancellation(error)) throw error;
}
