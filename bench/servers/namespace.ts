import { Connection } from "@temporalio/client";
import { setTimeout as sleep } from "node:timers/promises";
import { v7 as uuid } from "uuid";
import { indexed } from "../../src/temporal/connection.ts";
import { SEARCH_ATTRIBUTES } from "../../workflows/web-ui/search-attributes.ts";

const PATIENCE_MS = 90_000;

/** Registers a namespace, and returns once a run can be started in it: the server's caches take some seconds. */
export async function makeNamespace(address: string, namespace: string, isRunning = () => true): Promise<void> {
  const giveUp = Date.now() + PATIENCE_MS;
  const untilItWorks = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isRunning()) throw new Error("it ended at once");
        if (Date.now() > giveUp) throw error;
        await sleep(200);
      }
    }
  };
  const connection = await untilItWorks(() => Connection.connect({ address, connectTimeout: 1000 }));
  const { workflowService, operatorService } = connection;
  try {
    // Tried again after it was done, it says that it exists; what counts is that it can be described.
    await untilItWorks(async () => {
      const day = { seconds: (24 * 3600) as never };
      await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day }).catch(() => {});
      await workflowService.describeNamespace({ namespace });
    });
    await untilItWorks(() =>
      operatorService.addSearchAttributes({ namespace, searchAttributes: indexed(SEARCH_ATTRIBUTES) }),
    );

    const probe = { namespace, workflowId: "probe", workflowType: { name: "probe" }, taskQueue: { name: "probe" } };
    const metadata = { encoding: Buffer.from("json/plain") };
    const indexedFields = Object.fromEntries(
      SEARCH_ATTRIBUTES.map(({ name, type }) => {
        const value = type === "KEYWORD_LIST" ? ["probe"] : "probe";
        return [name, { metadata, data: Buffer.from(JSON.stringify(value)) }];
      }),
    );
    await untilItWorks(() =>
      workflowService.startWorkflowExecution({ ...probe, requestId: uuid(), searchAttributes: { indexedFields } }),
    );
    await workflowService.terminateWorkflowExecution({ namespace, workflowExecution: { workflowId: "probe" } });
  } finally {
    await connection.close();
  }
}
