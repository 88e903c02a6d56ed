import { advance } from "../engine/advance.ts";
import type { InboundEvent } from "../engine/events.ts";
import { evolve } from "../engine/evolve.ts";
import type { Run } from "../engine/run.ts";
import { hear } from "./hearing.ts";
import type { QuickLane } from "./quick-lane.ts";
import type { WorkflowTask } from "./workflow-task.ts";

/**
 * This workflow task may be another try of one that was lost with what had been played in it: endpoints were called, ends were
 * shown, commands were answered. The run does the same again, in the same order, before it hears what came since.
 */
export async function repeatLostPlay(
  run: Run,
  inbox: InboundEvent[],
  lane: QuickLane,
  task: WorkflowTask,
): Promise<void> {
  const entries = await lane.recall(run, task);
  task.recalled(entries !== undefined);
  for (const entry of entries ?? []) {
    if ("began" in entry) {
      for (const event of task.takeHeard(inbox, entry.news)) hear(run, task, event, entry.began);
      advance(run, entry.began);
    } else {
      evolve(run, entry.event);
      if (entry.follows) advance(run, entry.event.at);
    }
  }
}
