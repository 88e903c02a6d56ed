import type { SignalDefinition } from "@temporalio/common";
import { getExternalWorkflowHandle, isCancellation } from "@temporalio/workflow";

/** Signals another run. One that is gone needs no telling. Throws a cancellation only. */
export async function signalRun<Arg>(runId: string, signal: SignalDefinition<[Arg]>, arg: Arg): Promise<void> {
  try {
    await getExternalWorkflowHandle(runId).signal(signal, arg);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
