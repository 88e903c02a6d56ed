import { ApplicationFailure } from "@temporalio/activity";
import { request } from "undici";
import type { Mailer } from "./mailer.ts";
import { bodyFor } from "./bodies.ts";
import { type Message, messageOf } from "./message.ts";
import { signed } from "./signature.ts";
import type { Endpoints } from "../endpoint/endpoint-agent.ts";
import { isAddress } from "../../src/contract/webhooks/webhooks.ts";
import type { Deps } from "../../src/deps.ts";
import {
  findDelivery,
  noteAttempt,
  noteDead,
  noteMailed,
  type StoredDelivery,
} from "../../src/store/webhooks/deliveries.ts";
import { findWebhook, type StoredWebhook } from "../../src/store/webhooks/webhooks.ts";
import type { Activities } from "../../workflows/activity-types.ts";

const TIMEOUT_MS = 15_000;

/** One attempt. What fails is noted, and thrown for Temporal to try again. */
export function deliverWebhook(
  deps: Deps,
  endpoints: Endpoints,
  mailer: Mailer | undefined,
): Activities["deliverWebhook"] {
  return async ({ delivery_id, round }) => {
    const delivery = await findDelivery(deps.db, delivery_id);
    const webhook = delivery && (await findWebhook(deps.db, delivery.webhook_id));
    // It was deleted, or sent again since.
    if (!webhook || delivery.round !== round || delivery.status === "delivered") return;
    try {
      const message = await messageOf(deps, delivery, webhook);
      if (webhook.format === "mail") await mail(deps, mailer, webhook, delivery, message);
      else await post(endpoints, webhook, message);
    } catch (error) {
      await noteAttempt(deps.db, delivery_id, { error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    await noteAttempt(deps.db, delivery_id, { delivered: true });
  };
}

export const giveUpWebhook =
  ({ db, log }: Deps): Activities["giveUpWebhook"] =>
  async ({ delivery_id, round }) => {
    await noteDead(db, delivery_id, round);
    log.warn({ delivery: delivery_id }, "a webhook's message is dead");
  };

async function post(endpoints: Endpoints, { url = "", secret = "", format }: StoredWebhook, message: Message) {
  try {
    endpoints.assertAllowed(url);
  } catch (error) {
    throw ApplicationFailure.nonRetryable(error instanceof Error ? error.message : "not allowed");
  }
  const body = bodyFor(format, message);
  const { statusCode, body: answer } = await request(url, {
    method: "POST",
    dispatcher: endpoints.agent,
    headers: { "Content-Type": "application/json", ...signed(secret, message.id, body) },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await answer.dump();
  if (statusCode === 410) throw ApplicationFailure.nonRetryable("the receiver answered 410: gone");
  if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver answered ${statusCode}`);
}

/** Each of them has one of their own: its link is for them alone. Who has got it is not sent it again by the next attempt. */
async function mail(
  { db }: Deps,
  mailer: Mailer | undefined,
  { mail_to }: StoredWebhook,
  { id, sent_to = [] }: StoredDelivery,
  message: Message,
) {
  if (!mailer) throw new Error("SMTP_URL is not set");
  const recipients = mail_to ?? message.approval?.approvers.filter(isAddress) ?? [];
  for (const address of new Set(recipients)) {
    if (sent_to.includes(address)) continue;
    await mailer(address, message);
    await noteMailed(db, id, address);
  }
}
