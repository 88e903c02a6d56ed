import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  proxySinks,
  setCurrentDetails,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import type { RunStatus } from "../../src/contract/runs.ts";
import { advance } from "../engine/advance.ts";
import type { InboundEvent, RunEvent } from "../engine/events.ts";
import { evolve } from "../engine/evolve.ts";
import { hasNews, isMinor, isMirrored, isOverdue, takeBestEffort, takeUnmirrored } from "../engine/mirror/mirroring.ts";
import { planOf, type PlanStep, RULES, type RunHeader } from "../engine/plan.ts";
import { carriedState, initialRun, restoredRun, type Run } from "../engine/run.ts";
import type { RunState } from "../engine/state.ts";
import { mirroredState } from "../engine/mirror/stored-run.ts";
import { isRunOver } from "../engine/transitions.ts";
import { type Passing, type RunInput, STATUS_ATTRIBUTE } from "../messages.ts";
import { effects } from "../proxies.ts";
import { canceled } from "./canceled.ts";
import { nowOf } from "./clock.ts";
import { detailsOf } from "./details.ts";
import { logRefusal, receive } from "./inbox.ts";
import { notifyParent } from "./parent.ts";
import { QuickLane } from "./quick-lane.ts";
import { WorkflowTask } from "./workflow-task.ts";
import { Reconciler } from "./reconciler.ts";

/**
 * Once the server suggests a continue-as-new, a run goes on in a new execution at the first moment without an activity.
 * From this many events on nothing new is started until that moment comes; the server's limit is 51,200.
 */
const HOLD_AT_HISTORY_LENGTH = 20_000;
/** An execution that begins with thousands of timers is suggested another one at once: it has to get somewhere first. */
const HISTORY_A_TIMER = 3;

/** A command that waits is heard long before. Without this, a run that has heard it already would wait for ever. */
const COMMAND_COMES_MS = 500;

const DECIDES: ReadonlySet<string> = new Set(["approve", "reject"]);

const { passing } = proxySinks<Passing>();

/**
 * A workflow run: what arrives goes into the inbox; the loop evolves the run by it, decides what is next, and brings
 * what goes on outside in line. Ends as completed, failed or canceled in Temporal as the run does.
 */
export async function workflowRun(input: RunInput): Promise<{ status: RunStatus }> {
  const inbox: InboundEvent[] = [];
  let run: Run | undefined;
  receive(inbox, () => run, "run" in input ? (input.run.rules ?? 0) : RULES);
  // The loop itself is not cancelled: a cancellation is an event of the run like any other.
  return CancellationScope.nonCancellable(async () => {
    run = await open(input);
    return interpret(run, inbox, ("slow_jobs" in input && input.slow_jobs) || []);
  });
}

async function open(input: RunInput): Promise<Run> {
  if ("carried" in input) return restoredRun(planOf(input.run, input.steps), input.carried);
  if ("reopen" in input) {
    const { header, steps, row, rows, commands, approvals } = await effects.loadRun({ run_id: input.reopen });
    const plan = planOf(header, steps);
    return restoredRun(plan, mirroredState(plan, row, rows, commands, approvals));
  }
  const completed = input.seed_from ? await effects.loadCompleted({ run_id: input.seed_from }) : [];
  return initialRun(planOf(input.run, input.steps), completed);
}

async function interpret(run: Run, inbox: InboundEvent[], slowJobs: string[]): Promise<{ status: RunStatus }> {
  const reconciler = new Reconciler(run, inbox, slowJobs);
  const lane = new QuickLane();
  // As the run was started with it; a reopened one was not.
  let shownStatus = run.state.status;
  let task = new WorkflowTask(run);
  const nextTask = () => {
    task = new WorkflowTask(run, task);
    lane.newTask();
    reconciler.newTask();
  };
  for (;;) {
    if (task.mayRepeat(inbox, reconciler.mayPlay())) await repeatLostPlay(run, inbox, lane, task);
    for (let news = inbox.shift(); news; news = inbox.shift()) hear(run, task, news);
    if (run.state.returning) {
      await announceReopened(run);
      nextTask();
      continue;
    }
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    const mayCarryOn = continueAsNewSuggested && historyLength > HISTORY_A_TIMER * reconciler.timers;
    const carrying = mayCarryOn && (historyLength > HOLD_AT_HISTORY_LENGTH || reconciler.isResting());
    const holding = carrying || lane.isCalled;
    if (!holding) advance(run, nowOf(run.plan.run));
    const begin = reconciler.reconcile(holding, lane.hasTime() && !task.isUntold);
    // Who sent a command need not wait for what follows from it, nor for the write that is certain.
    if (run.dirty.commands.length > 0 && !isRunOver(run.state.status)) passing.mirror(takeBestEffort(run));
    if (begin.length > 0) {
      // Until then nobody can see the run: what changes again in the same workflow task is neither mirrored nor drawn.
      const { events, called = [], going } = await lane.play(run, begin, task);
      for (const event of [...events, ...called]) {
        if (isRunOver(run.state.status)) break;
        reconciler.assertDispatching(event);
        evolve(run, event);
        if (!called.includes(event)) advance(run, event.at);
      }
      reconciler.handOver(going);
      continue;
    }
    setCurrentDetails(detailsOf(run));
    if (run.state.status !== shownStatus) {
      shownStatus = run.state.status;
      upsertSearchAttributes([{ key: STATUS_ATTRIBUTE, value: shownStatus }]);
    }
    await mirror(run, lane, task, reconciler.isUnderWay() || lane.isCalled);
    lane.letGo();

    if (isRunOver(run.state.status) && reconciler.isIdle() && isMirrored(run)) {
      await notifyParent(run);
      await condition(allHandlersFinished);
      if (inbox.length === 0) return ended(run);
      nextTask();
    } else if (mayCarryOn && reconciler.isResting() && isMirrored(run) && inbox.length === 0) {
      await condition(allHandlersFinished);
      if (inbox.length === 0) await carryOn(run.plan.run, run.plan.steps, carriedState(run.state));
    } else if (!holding && reconciler.isCutShort()) {
      await sleep(1, { summary: "more steps" });
      nextTask();
    } else {
      const before = { idle: reconciler.isIdle(), underWay: reconciler.isUnderWay(), writing: run.inFlight };
      const mayAdvance = () =>
        inbox.length > 0 ||
        reconciler.isIdle() !== before.idle ||
        reconciler.isUnderWay() !== before.underWay ||
        run.inFlight !== before.writing ||
        (!holding && reconciler.canBegin());
      await (lane.isCalled ? condition(mayAdvance, COMMAND_COMES_MS) : condition(mayAdvance));
      nextTask();
    }
  }
}

function hear(run: Run, task: WorkflowTask, news: InboundEvent, now = nowOf(run.plan.run)): void {
  task.hears(news, now);
  // A gate is decided as it would have been had the run gone on by then: it may just be able to open.
  if (news.type === "command" && DECIDES.has(news.verb) && run.plan.run.rules) advance(run, now);
  evolve(run, timed(news, now));
  logRefusal(run, news);
}

/** A timer is not before its time, whatever the clock says: a worker that takes a run over may be told an older one with it. */
const timed = ({ due = 0, ...event }: InboundEvent, now: number): RunEvent => ({ ...event, at: Math.max(now, due) });

/**
 * This workflow task may be another try of one that was lost with what had been played in it: endpoints were called, ends were
 * shown, commands were answered. The run does the same again, in the same order, before it hears what came since.
 */
async function repeatLostPlay(run: Run, inbox: InboundEvent[], lane: QuickLane, task: WorkflowTask): Promise<void> {
  const recalled = await lane.recall(run, task);
  task.recalled(recalled !== undefined);
  for (const entry of recalled ?? []) {
    if ("began" in entry) {
      for (const news of task.takeHeard(inbox, entry.news)) hear(run, task, news, entry.began);
      advance(run, entry.began);
    } else {
      evolve(run, entry.event);
      if (entry.follows) advance(run, entry.event.at);
    }
  }
}

/** A sub-workflow runs again: its parent waits for it again, and is opened for that where it is closed. */
async function announceReopened({ plan, state }: Run): Promise<void> {
  const { id, parent_workflow_run_id: run_id = "" } = plan.run;
  const command = { id: `adopt:${id}:${state.revision}`, actor: `workflow-run:${id}`, child_run_id: id };
  await effects.reopenRun({ run_id, verb: "adopt", command });
  state.returning = undefined;
}

const carryOn = (run: RunHeader, steps: PlanStep[], carried: RunState): Promise<never> =>
  continueAsNew<typeof workflowRun>({ run, steps, carried });

/**
 * One write is in flight at a time; the next one carries all that changed meanwhile. While more is to come, which will be
 * written in any case, a step that went on is only told in passing.
 */
async function mirror(run: Run, lane: QuickLane, task: WorkflowTask, isMoreToCome: boolean): Promise<void> {
  if (run.inFlight) return;
  if (isMoreToCome && isMinor(run) && !isOverdue(run, Date.now())) {
    if (hasNews(run)) passing.mirror(takeBestEffort(run));
    return;
  }
  if (isMirrored(run)) return;
  const rows = takeUnmirrored(run);
  const written = () => {
    run.inFlight = undefined;
  };
  // An end is shown before Temporal has it.
  const heard = isRunOver(run.state.status) ? task.takeUnnoted() : undefined;
  if (await lane.mirror(rows, heard)) written();
  else void effects.mirror(rows, heard).then(written);
}

function ended(run: Run): { status: RunStatus } {
  const { status, error } = run.state;
  if (status === "completed") return { status };
  if (status === "canceled") throw canceled(run);
  throw ApplicationFailure.create({
    type: status,
    message: error ?? `workflow run ${status}`,
    nonRetryable: true,
    category: "BENIGN",
  });
}
