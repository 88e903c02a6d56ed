import { ApplicationFailure, Context } from "@temporalio/activity";
import { renderKey } from "./render.ts";
import { tellOfOffer } from "../src/commands/events/tell-of-offer.ts";
import type { Deps } from "../src/deps.ts";
import { renderedKeyProblem } from "../src/rules/event-key.ts";
import { registerWait } from "../src/store/events/held-events.ts";
import type { Activities, OpenWaitInput } from "../workflows/activity-types.ts";
import type { TriggerRow } from "../workflows/engine/mirror/rows.ts";
import { TemplateError } from "../workflows/expressions/templates.ts";

/** A wait that just ended may hold its key until its run is mirrored, and an event that it was offered. */
const CLAIM_PAUSES_MS = [100, 200, 400, 800];

export function openWait(deps: Deps): Activities["openWait"] {
  return async (input) => {
    try {
      const event_key = await renderKey(deps.db, input.event_key, input.sources);
      const problem = renderedKeyProblem(event_key);
      return problem === undefined ? await claim(deps, input, event_key) : { refused: problem };
    } catch (error) {
      if (error instanceof TemplateError) return { refused: error.message };
      throw error;
    }
  };
}

async function claim(
  deps: Deps,
  input: OpenWaitInput,
  event_key: string,
): Promise<{ event_key: string; notify?: true } | { refused: string }> {
  const wait = eventTriggerOf(input, event_key);
  for (const pause of [...CLAIM_PAUSES_MS, undefined]) {
    const registered = await registerWait(deps.db, wait);
    if (registered === "taken") {
      if (pause !== undefined) await Context.current().sleep(pause);
      continue;
    }
    if ("unsettled" in registered) {
      // Whoever was to tell the run may have died.
      await tellOfOffer(deps, registered.unsettled);
      if (pause === undefined) throw ApplicationFailure.retryable("an event of this key is not settled yet");
      await Context.current().sleep(pause);
      continue;
    }
    const { event } = registered;
    if (event) await tellOfOffer(deps, event);
    return { event_key, notify: input.notify_url && !event ? true : undefined };
  }
  return { refused: `event key ${JSON.stringify(event_key)} is already waited for by another run` };
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
