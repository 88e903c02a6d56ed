import { isCancellation } from "@temporalio/workflow";
import type { DeliveryInput } from "./messages.ts";
import { effects, webhookAttempts } from "../proxies.ts";

/** Sends one message to one webhook. What is not taken within a day is kept as dead. */
export async function webhookDelivery(input: DeliveryInput): Promise<void> {
  try {
    await webhookAttempts.deliverWebhook(input);
  } catch (error) {
    if (isCancellation(error)) throw error;
    await effects.giveUpWebhook(input);
  }
}
