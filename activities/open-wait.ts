import { Context } from "@temporalio/activity";
import { request } from "undici";
import type { Endpoints } from "./endpoint/endpoint-agent.ts";
import { renderKey } from "./render.ts";
import type { Deps } from "../src/deps.ts";
import { eventKeyProblem } from "../src/rules/event-key.ts";
import { claimEventTrigger } from "../src/store/event-triggers.ts";
import type { Activities, OpenWaitInput } from "../workflows/activity-types.ts";
import type { TriggerRow } from "../workflows/engine/mirror/rows.ts";
import { reservedKeyProblem } from "../workflows/engine/steps/event-keys.ts";
import { rfc3339 } from "../workflows/engine/time.ts";
import { TemplateError } from "../workflows/expressions/templates.ts";

const NOTIFY_TIMEOUT_MS = 5_000;
/** A wait that just ended may hold its key until its run is mirrored. */
const CLAIM_PAUSES_MS = [100, 200, 400, 800];

export function openWait(deps: Deps, endpoints: Endpoints): Activities["openWait"] {
  return async (input) => {
    try {
      const event_key = await renderKey(deps.db, input.event_key, input.sources);
      const refused = keyProblem(event_key) ?? (await claim(deps, endpoints, input, event_key));
      return refused === undefined ? { event_key } : { refused };
    } catch (error) {
      if (error instanceof TemplateError) return { refused: error.message };
      throw error;
    }
  };
}

function keyProblem(key: string): string | undefined {
  const problem = eventKeyProblem(key);
  if (problem !== undefined) return problem;
  const reserved = reservedKeyProblem(key);
  return reserved === undefined ? undefined : `event key ${JSON.stringify(key)} ${reserved}`;
}

async function claim(
  deps: Deps,
  endpoints: Endpoints,
  input: OpenWaitInput,
  eventKey: string,
): Promise<string | undefined> {
  const row = eventTriggerOf(input, eventKey);
  for (const pause of [...CLAIM_PAUSES_MS, undefined]) {
    const claimed = await claimEventTrigger(deps.db, row);
    if (claimed === "claimed" && row.notify_url) void notify(deps, endpoints, row, row.notify_url);
    if (claimed !== "taken") return undefined;
    if (pause !== undefined) await Context.current().sleep(pause);
  }
  return `event key ${JSON.stringify(eventKey)} is already waited for by another run`;
}

function eventTriggerOf(input: OpenWaitInput, event_key: string): TriggerRow {
  return {
    id: input.trigger_id,
    project_id: input.sources.project_id,
    event_key,
    run_id: input.sources.run_id,
    step_run_id: input.step_run_id,
    step_ref: input.step_ref,
    source: "wait_for_event",
    status: "waiting",
    timeout_secs: input.event_timeout_secs,
    requested_at: input.requested_at,
    expires_at: input.expires_at,
    notify_url: input.notify_url,
    revision: input.revision,
  };
}

/** Tells the sender of the event where to send it. It is told at most once, and nothing waits for it. */
async function notify({ log }: Deps, endpoints: Endpoints, trigger: TriggerRow, url: string): Promise<void> {
  const { id, event_key, project_id, expires_at } = trigger;
  const body = JSON.stringify({
    event_key,
    trigger_id: id,
    project_id,
    expires_at: expires_at === undefined ? undefined : rfc3339(expires_at),
    callback_url: `/v1/events/${encodeURIComponent(event_key)}/send`,
  });
  try {
    endpoints.assertAllowed(url);
    const answer = await request(url, {
      method: "POST",
      dispatcher: endpoints.agent,
      headers: { "Content-Type": "application/json" },
      body,
      signal: AbortSignal.timeout(NOTIFY_TIMEOUT_MS),
    });
    await answer.body.dump();
  } catch (error) {
    log.info({ err: error, trigger_id: id }, "event_notify_url could not be told");
  }
}
