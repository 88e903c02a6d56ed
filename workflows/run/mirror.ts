import { proxySinks } from "@temporalio/workflow";
import { hasNews, isMinor, isMirrored, isOverdue, takeBestEffort, takeUnmirrored } from "../engine/mirror/mirroring.ts";
import type { Run } from "../engine/run.ts";
import { isRunOver } from "../engine/transitions.ts";
import type { RunSinks } from "../messages.ts";
import { effects } from "../proxies.ts";
import type { QuickLane } from "./quick-lane.ts";
import type { WorkflowTask } from "./workflow-task.ts";

const { bestEffortMirror } = proxySinks<RunSinks>();

/** Who sent a command need not wait for what follows from it, nor for the write that is certain. */
export function mirrorOutcomes(run: Run): void {
  if (run.dirty.commands.length > 0 && !isRunOver(run.state.status)) bestEffortMirror.write(takeBestEffort(run));
}

/**
 * One write is in flight at a time; the next one carries all that changed meanwhile. While more is to come, which will be
 * written in any case, a step that went on is only mirrored by best effort.
 */
export async function mirror(run: Run, lane: QuickLane, task: WorkflowTask, isMoreToCome: boolean): Promise<void> {
  if (run.inFlight) return;
  if (isMoreToCome && isMinor(run) && !isOverdue(run, Date.now())) {
    if (hasNews(run)) bestEffortMirror.write(takeBestEffort(run));
    return;
  }
  if (isMirrored(run)) return;
  const rows = takeUnmirrored(run);
  const written = () => {
    run.inFlight = undefined;
  };
  // An end is shown before Temporal has it.
  const heard = isRunOver(run.state.status) ? task.takeUnjournaled() : undefined;
  if (await lane.mirror(rows, heard)) written();
  else void effects.mirror(rows, heard).then(written);
}
