import { advance } from "../engine/advance.ts";
import type { InboundEvent, RunEvent } from "../engine/events.ts";
import { evolve } from "../engine/evolve.ts";
import type { Run } from "../engine/run.ts";
import { approval } from "../engine/steps/approval.ts";
import { nowOf } from "./clock.ts";
import { logRefusal } from "./inbox.ts";
import type { WorkflowTask } from "./workflow-task.ts";

const DECIDES: ReadonlySet<string> = new Set(Object.keys(approval.commands));

/** What has arrived happens to the run. */
export function hear(run: Run, task: WorkflowTask, event: InboundEvent, now = nowOf(run.plan.run)): void {
  task.hears(event, now);
  // A gate is decided as it would have been had the run gone on by then: it may just be able to open.
  if (event.type === "command" && DECIDES.has(event.verb) && run.plan.run.rules) advance(run, now);
  evolve(run, timed(event, now));
  logRefusal(run, event);
}

/** A timer is not before its time, whatever the clock says: a worker that takes a run over may get an older one with it. */
const timed = ({ due = 0, ...event }: InboundEvent, now: number): RunEvent => ({ ...event, at: Math.max(now, due) });
