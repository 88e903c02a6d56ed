import { advance } from "../engine/advance.ts";
import type { InboundEvent, RunEvent } from "../engine/events.ts";
import { evolve } from "../engine/evolve.ts";
import type { Run } from "../engine/run.ts";
import { approval } from "../engine/steps/approval.ts";
import { nowOf } from "./clock.ts";
import { logOutcome } from "./inbox.ts";
import type { WorkflowTask } from "./workflow-task.ts";

const DECIDES: ReadonlySet<string> = new Set(Object.keys(approval.commands));

/** What has arrived happens to the run. */
export function hear(run: Run, task: WorkflowTask, event: InboundEvent, now = nowOf(run.plan.run)): void {
  const { rules = 0 } = run.plan.run;
  task.hears(event, now);
  // A gate is decided as it would have been had the run gone on by then: it may just be able to open. A timer finds it so, too.
  if (rules >= 1 && event.type === "command" && DECIDES.has(event.verb)) advance(run, now);
  if (rules >= 2 && event.due !== undefined) advance(run, now);
  evolve(run, timed(event, now));
  logOutcome(run, event);
}

/** A timer is not before its time, whatever the clock says: a worker that takes a run over may get an older one with it. */
const timed = ({ due = 0, ...event }: InboundEvent, now: number): RunEvent => ({ ...event, at: Math.max(now, due) });

/**
 * Timers that have fired by the time of a task come in any order. They are heard as they were due: a worker that was there in
 * time heard the first one alone. Runs of older rules heard them as they came.
 */
export function putDueFirst(inbox: InboundEvent[], rules = 0): void {
  if (rules < 2) return;
  const isTimer = (event: InboundEvent): event is InboundEvent & { due: number } => event.due !== undefined;
  const timers = inbox.filter(isTimer).sort((a, b) => b.due - a.due);
  inbox.splice(0, inbox.length, ...inbox.map((event) => (isTimer(event) ? (timers.pop() ?? event) : event)));
}
