import type { Client, WorkflowHandle } from "@temporalio/client";

/** Of all executions of a closed workflow, back from the last one. */
export async function historyOf(
  { workflow }: Client,
  workflowId: string,
): Promise<{ executions: number; events: number; bytes: number }> {
  const sum = { executions: 0, events: 0, bytes: 0 };
  const last = await workflow.getHandle(workflowId).describe();
  for (let runId: string | undefined = last.runId; runId; ) {
    const handle: WorkflowHandle = workflow.getHandle(workflowId, runId);
    const { raw } = await handle.describe();
    sum.executions++;
    sum.events += Number(raw.workflowExecutionInfo?.historyLength);
    sum.bytes += Number(raw.workflowExecutionInfo?.historySizeBytes);
    const { events } = await handle.fetchHistory();
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  }
  return sum;
}
