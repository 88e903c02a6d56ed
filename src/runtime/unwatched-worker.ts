import { Worker } from "@temporalio/worker";
import type { TaskWatch } from "./task-watch.ts";

/**
 * A worker that trusts its workflows to come to an end. The SDK has a thread watch each entry of the sandbox, to end what
 * computes for 5 s; to start and join those threads is a quarter of what a replay costs, and no option leaves them out.
 * The price: a loop without end in our interpreter would hold its thread for good. No input makes one: its loops are as long
 * as the run has steps, and patterns in conditions are matched in linear time. Should there be one after all, `watch` tells.
 */
export const untimedWorker = (watch: TaskWatch): typeof Worker =>
  class extends Worker {
    protected static override createWorkflowCreator: typeof Worker.createWorkflowCreator = async (
      bundle,
      options,
      logger,
    ) => {
      const untimed = { ...options, isolateExecutionTimeoutMs: undefined as never };
      const creator = await super.createWorkflowCreator(bundle, untimed, logger);
      watch.watch(creator);
      return creator;
    };
  };
