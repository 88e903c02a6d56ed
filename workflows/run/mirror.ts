import { proxySinks, workflowInfo } from "@temporalio/workflow";
import { hasNews, isMinor, isMirrored, isOverdue, takeBestEffort, takeUnmirrored } from "../engine/mirror/mirroring.ts";
import type { Run } from "../engine/run.ts";
import { isRunOver } from "../engine/transitions.ts";
import type { RunSinks } from "../messages.ts";
import { effects } from "../proxies.ts";
import type { QuickLane } from "./quick-lane.ts";
import type { WorkflowTask } from "./workflow-task.ts";

const { bestEffortMirror } = proxySinks<RunSinks>();

/** Keeps what lists and reads of the run show as the run is. */
export class Mirror {
  readonly #run: Run;
  readonly #lane: QuickLane;
  #isReplayed = false;

  constructor(run: Run, lane: QuickLane) {
    this.#run = run;
    this.#lane = lane;
  }

  /** Who sent a command need not wait for what follows from it, nor for the write that is certain. */
  tellOutcomes(): void {
    if (this.#run.dirty.commands.length > 0 && !isRunOver(this.#run.state.status)) this.#tell();
  }

  /**
   * One write is in flight at a time; the next one carries all that changed meanwhile. While more is to come, which will be
   * written in any case, a step that went on is only mirrored by best effort.
   */
  async write(task: WorkflowTask, isMoreToCome: boolean): Promise<void> {
    const run = this.#run;
    if (run.inFlight) return;
    if (isMoreToCome && isMinor(run) && !isOverdue(run, Date.now())) {
      if (hasNews(run)) this.#tell();
      return;
    }
    if (isMirrored(run)) return;
    const rows = takeUnmirrored(run);
    const written = () => {
      run.inFlight = undefined;
    };
    // An end is shown before Temporal has it.
    const heard = isRunOver(run.state.status) ? task.takeUnjournaled() : undefined;
    if (await this.#lane.mirror(rows, heard)) written();
    else void effects.mirror(rows, heard).then(written);
  }

  /** A worker that takes the run over tells again what the one before may have died with. */
  #tell(): void {
    const { isReplaying } = workflowInfo().unsafe;
    bestEffortMirror.write(takeBestEffort(this.#run, this.#isReplayed && !isReplaying));
    this.#isReplayed = isReplaying;
  }
}
