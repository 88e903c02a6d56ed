import { WorkflowExecutionAlreadyStartedError } from "@temporalio/client";
import type { Deps } from "../../deps.ts";
import { newDeliveries, noteStarted } from "../../store/webhooks/deliveries.ts";
import { repeating } from "../../time/repeating.ts";
import { DELIVERY_WORKFLOW_TYPE, type DeliveryInput } from "../../../workflows/webhooks/messages.ts";
import { TASK_QUEUE } from "../../../workflows/messages.ts";

const EVERY_MS = 1_000;
const MOST_AT_ONCE = 100;

/**
 * Starts a workflow for each delivery that has none yet, until `stop`. Every worker does, and looks on its own: whoever wrote the
 * change that is told may have died since. Two that see the same one start one workflow, by its id.
 */
export const startingDeliveries = (deps: Deps) =>
  repeating(async () => {
    const isMore = await startSome(deps).catch((err) => {
      deps.log.warn({ err }, "webhooks wait to be delivered");
      return false;
    });
    return isMore ? 0 : EVERY_MS;
  });

async function startSome(deps: Deps): Promise<boolean> {
  const found = await newDeliveries(deps.db, MOST_AT_ONCE);
  if (found.length === 0) return false;
  await Promise.all(found.map((delivery) => start(deps, delivery)));
  await noteStarted(
    deps.db,
    found.map(({ id }) => id),
  );
  return found.length === MOST_AT_ONCE;
}

export const deliveryWorkflowId = ({ id, round }: { id: string; round: number }): string =>
  `webhook-delivery/${id}/${round}`;

async function start({ temporal }: Deps, { id, round, event }: { id: string; round: number; event: string }) {
  const input: DeliveryInput = { delivery_id: id, round };
  try {
    await temporal.workflow.start(DELIVERY_WORKFLOW_TYPE, {
      workflowId: deliveryWorkflowId({ id, round }),
      taskQueue: TASK_QUEUE,
      staticSummary: event,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
