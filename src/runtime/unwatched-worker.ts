import { Worker } from "@temporalio/worker";

/**
 * A worker that trusts its workflows to come to an end. The SDK has a thread watch each entry of the sandbox, to end what
 * computes for 5 s; to start and join those threads is a quarter of what a replay costs, and no option leaves them out.
 * The price: a loop without end in our interpreter would hold its worker for good. No input makes one: its loops are as long
 * as the run has steps, and patterns in conditions are matched in linear time.
 */
export class UntimedWorker extends Worker {
  protected static override createWorkflowCreator: typeof Worker.createWorkflowCreator = (bundle, options, logger) =>
    super.createWorkflowCreator(bundle, { ...options, isolateExecutionTimeoutMs: undefined as never }, logger);
}
