import { ApplicationFailure } from "@temporalio/activity";
import { request } from "undici";
import type { Mailer } from "./mailer.ts";
import { bodyFor } from "./bodies.ts";
import { hostOf } from "../endpoint/attempt-log.ts";
import { notOurs } from "../not-ours.ts";
import { type Message, messageOf } from "./message.ts";
import { signed } from "./signature.ts";
import type { Endpoints } from "../endpoint/endpoint-agent.ts";
import type { Deps } from "../../src/deps.ts";
import { findDelivery, noteAttempt, noteDead, type StoredDelivery } from "../../src/store/webhooks/deliveries.ts";
import { findWebhook, type StoredWebhook } from "../../src/store/webhooks/webhooks.ts";
import { findRun } from "../../src/store/runs.ts";
import { traceHeaders } from "../../src/tracing/trace-headers.ts";
import type { Activities } from "../../workflows/activity-types.ts";
import { runSpanId, stepSpanId } from "../../workflows/engine/ids.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";

const TIMEOUT_MS = 15_000;

/** One attempt. What fails is noted, told, and thrown for Temporal to try again. */
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
      const run = await findRun(deps.db, delivery.run_id);
      const message = await messageOf(deps, delivery, webhook, run);
      if (delivery.recipient === undefined) await post(endpoints, webhook, message, traceOf(run, delivery));
      else if (mailer) await mailer(delivery.recipient, message);
      else throw new Error("SMTP_URL is not set");
    } catch (error) {
      const failure = notOurs(error);
      await noteAttempt(deps.db, delivery_id, { error: failure.message });
      const { run_id: run, step_ref: step, event } = delivery;
      const of = { delivery: delivery_id, webhook: webhook.id, event, run, step, host: hostOf(webhook.url) };
      deps.log.warn({ ...of, attempt: delivery.attempts + 1, reason: failure.message }, "delivery failed");
      throw failure;
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

/** Of a run in a trace. What is told of a gate is within its step, all else within the run. */
function traceOf(run: RunRow | undefined, { run_id, subject: { gate } }: StoredDelivery) {
  if (!run?.trace) return {};
  const ofStep = gate?.attempt === undefined ? undefined : stepSpanId(gate.step_run_id, gate.attempt);
  return traceHeaders(run.trace, ofStep ?? runSpanId(run_id));
}

async function post(
  endpoints: Endpoints,
  { url = "", secret = "", format }: StoredWebhook,
  message: Message,
  trace: Record<string, string>,
) {
  try {
    endpoints.assertAllowed(url);
  } catch (error) {
    throw ApplicationFailure.nonRetryable(error instanceof Error ? error.message : "not allowed");
  }
  const body = bodyFor(format, message);
  const { statusCode, body: answer } = await request(url, {
    method: "POST",
    dispatcher: endpoints.agent,
    headers: { "Content-Type": "application/json", ...trace, ...signed(secret, message.id, body) },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await answer.dump();
  if (statusCode === 410) throw ApplicationFailure.nonRetryable("the receiver answered 410: gone");
  if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver answered ${statusCode}`);
}
