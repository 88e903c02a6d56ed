import { Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { until } from "./until.ts";

/** Runs of two test files never meet: each has a Temporal namespace of its own. */
export async function createNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const { workflowService } = connection;
    await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs("1 day") });
    // The server's parts learn of a namespace one after the other.
    await until(() => workflowService.listWorkflowExecutions({ namespace, pageSize: 1 }).catch(() => undefined));
  } finally {
    await connection.close();
  }
}
