import { Worker } from "@temporalio/worker";

/**
 * A worker that trusts its workflows to come to an end. The SDK has a thread watch each entry of the sandbox, to end what
 * computes for 5 s; to start and join those threads is a quarter of what a replay costs, and no option leaves them out.
 * Our one interpreter has no loop that its input could make endless: it is as long as the run has steps.
 */
export class UntimedWorker extends Worker {
  protected static override createWorkflowCreator: typeof Worker.createWorkflowCreator = (bundle, options, logger) =>
    super.createWorkflowCreator(bundle, { ...options, isolateExecutionTimeoutMs: undefined as never }, logger);
}
