import { ApplicationFailure, Context } from "@temporalio/activity";
import { request } from "undici";
import { EndpointFailure } from "./endpoint/endpoint-failure.ts";
import { hostOf } from "./endpoint/attempt-log.ts";
import { notOurs } from "./not-ours.ts";
import type { Endpoints } from "./endpoint/endpoint-agent.ts";
import type { Deps } from "../src/deps.ts";
import type { Activities } from "../workflows/activity-types.ts";
import { traceHeaders } from "../src/tracing/trace-headers.ts";
import { rfc3339 } from "../workflows/engine/time.ts";

const TIMEOUT_MS = 5_000;

/** Tells whoever will send the event where to. */
export function notifyWait({ log }: Pick<Deps, "log">, endpoints: Endpoints): Activities["notifyWait"] {
  return (input) =>
    notify(endpoints, input).catch((error: unknown) => {
      const failure = notOurs(error);
      const { workflowExecution, attempt } = Context.current().info;
      const of = { run: workflowExecution?.workflowId, trigger: input.trigger_id, host: hostOf(input.notify_url) };
      log.warn({ ...of, attempt, reason: failure.message }, "event notification failed");
      throw failure;
    });
}

async function notify(
  endpoints: Endpoints,
  { trigger_id, project_id, event_key, expires_at, notify_url, trace }: Parameters<Activities["notifyWait"]>[0],
): Promise<void> {
  assertAllowed(endpoints, notify_url);
  const answer = await request(notify_url, {
    method: "POST",
    dispatcher: endpoints.agent,
    headers: { "Content-Type": "application/json", ...(trace?.span_id && traceHeaders(trace, trace.span_id)) },
    body: JSON.stringify({
      event_key,
      trigger_id,
      project_id,
      expires_at: expires_at === undefined ? undefined : rfc3339(expires_at),
      callback_url: `/v1/events/${encodeURIComponent(event_key)}/send`,
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await answer.body.dump();
  const { statusCode } = answer;
  if (statusCode < 200 || statusCode > 299) throw new Error(`event_notify_url answered ${statusCode}`);
}

/** What must not be called will not be allowed by being tried again. */
function assertAllowed(endpoints: Endpoints, url: string): void {
  try {
    endpoints.assertAllowed(url);
  } catch (error) {
    if (error instanceof EndpointFailure) throw ApplicationFailure.nonRetryable(error.message);
    throw error;
  }
}
