import type { Delivery, DeliveryPlan } from "../../contract/webhooks/webhooks.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnDelivery } from "../../queries/webhooks.ts";
import { deliveryWorkflowId } from "./start-deliveries.ts";
import { whereabouts } from "../../temporal/whereabouts.ts";
import { renewDelivery, type StoredDelivery } from "../../store/webhooks/deliveries.ts";
import { presentDelivery } from "../../views/webhook.ts";

/** Sends it again under the same message id, for another day. */
export async function redeliver(deps: Deps, caller: Caller, webhookId: string, id: string): Promise<Delivery> {
  await sendable(deps, caller, webhookId, id);
  await renewDelivery(deps.db, id);
  return presentDelivery(await findOwnDelivery(deps, caller, webhookId, id));
}

export const previewRedelivery = async (
  deps: Deps,
  caller: Caller,
  webhookId: string,
  id: string,
): Promise<DeliveryPlan> => ({
  dry_run: true,
  delivery: { ...presentDelivery(await sendable(deps, caller, webhookId, id)), status: "pending" },
});

async function sendable(deps: Deps, caller: Caller, webhookId: string, id: string) {
  const found = await findOwnDelivery(deps, caller, webhookId, id);
  if (found.status === "new" || (found.status === "pending" && (await isUnderWay(deps, found))))
    throw new Problem("conflict", "webhook delivery is being delivered");
  return found;
}

/** Not so where Temporal has lost it, or somebody has ended it by hand. */
const isUnderWay = async (deps: Deps, delivery: StoredDelivery): Promise<boolean> =>
  (await whereabouts(deps, deliveryWorkflowId(delivery))).is === "open";
