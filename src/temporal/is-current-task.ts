import { tsToMs } from "@temporalio/common/lib/time.js";
import type { Temporal } from "./connection.ts";

const ANSWERS_WITHIN_MS = 5_000;

interface Deps {
  temporal: Temporal;
}

/** Whether the workflow task that Temporal waits for is the one that began then, by its clock in ms. Without an answer: no. */
export async function isCurrentTask(
  { temporal }: Deps,
  execution: { workflowId: string; runId: string },
  began: number,
): Promise<boolean> {
  const { namespace } = temporal.options;
  try {
    const { pendingWorkflowTask } = await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
      temporal.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
    const started = pendingWorkflowTask?.startedTime;
    return started != null && tsToMs(started) === began;
  } catch {
    return false;
  }
}
