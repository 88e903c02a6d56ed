import pMap from "p-map";
import { attempting, CONCURRENCY } from "../bulk/each-run.ts";
import { sendEvent } from "../runs/send-event.ts";
import type { PrefixPlan, PrefixSent } from "../../contract/events/events.ts";
import type { Json } from "../../contract/json.ts";
import type { Deps } from "../../deps.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { listWaitingUnder } from "../../store/events/event-lists.ts";
import { presentEvents } from "../../views/event.ts";
import { reservedKeyProblem } from "../../../workflows/engine/steps/event-keys.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";

export interface PrefixSending {
  prefix: string;
  payload?: Json;
  projectId?: string;
  idempotencyKey?: string;
}

/** How many waits one request reaches. */
const MOST = 1_000;

/** Sends an event to each key with the prefix that somebody waits for. What one of them refuses is its own. */
export async function sendToPrefix(deps: Deps, caller: Caller, sending: PrefixSending): Promise<PrefixSent> {
  const projectId = projectOf(caller, sending.projectId);
  const { waits, has_more } = await waitingUnder(deps, projectId, sending.prefix);
  const { attempt, assertAny } = attempting(deps);
  const sent: PrefixSent = { resolved: 0, triggers: [], accepted: [], failed: [], has_more };
  await pMap(
    waits,
    async ({ event_key, run_id: workflow_run_id }) => {
      // Two of them may be of one run, to which they are two commands.
      const idempotencyKey = sending.idempotencyKey && `${sending.idempotencyKey}/${event_key}`;
      const one = { eventKey: event_key, payload: sending.payload, projectId, idempotencyKey };
      const done = await attempt(() => sendEvent(deps, caller, one));
      if ("error" in done) {
        sent.failed.push({ event_key, workflow_run_id, code: done.code, error: done.error });
      } else if ("accepted" in done.value)
        sent.accepted.push({ event_key, workflow_run_id, command_id: done.value.accepted });
      else {
        // A thousand times what was sent would be more than an answer holds.
        const { response_payload: _, ...trigger } = done.value;
        sent.triggers.push(trigger);
      }
    },
    { concurrency: CONCURRENCY },
  );
  sent.resolved = sent.triggers.length;
  assertAny(sent.resolved + sent.accepted.length);
  return sent;
}

/** Whom it would reach. */
export async function previewSendToPrefix(
  deps: Deps,
  caller: Caller,
  { prefix, projectId }: PrefixSending,
): Promise<PrefixPlan> {
  const { waits, has_more } = await waitingUnder(deps, projectOf(caller, projectId), prefix);
  const triggers = await presentEvents(deps, waits);
  return { dry_run: true, resolved: waits.length, triggers, has_more };
}

/** Gates and sleeps are only meant where the prefix is one of theirs. */
async function waitingUnder({ db }: Deps, projectId: string, prefix: string) {
  const sources: TriggerRow["source"][] = reservedKeyProblem(prefix) ? ["approval", "sleep"] : ["wait_for_event"];
  const rows = await listWaitingUnder(db, projectId, prefix, sources, MOST + 1);
  return { waits: rows.slice(0, MOST), has_more: rows.length > MOST };
}
