import { isDeepStrictEqual } from "node:util";
import { previewSteering, type Steering, steerRun } from "./steer-run.ts";
import { type Json, parseJson } from "../../contract/json.ts";
import type { DryRun, EventTrigger } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { currentRun } from "../../queries/runs.ts";
import { loadText } from "../../store/documents.ts";
import { findLatestTrigger } from "../../store/event-triggers.ts";
import { writeMirror } from "../../store/mirror.ts";
import { askRun } from "../../temporal/query-run.ts";
import { presentTrigger } from "../../views/run.ts";
import type { TriggerRow } from "../../../workflows/engine/rows.ts";
import { runQuery } from "../../../workflows/messages.ts";

export interface EventSending {
  eventKey: string;
  payload?: Json;
  /** Which of the caller's projects; needed by a caller of several. */
  projectId?: string;
  idempotencyKey?: string;
}

/** Resolves whoever waits for the key in the project (contract §5). An approval's own key needs a listed approver. */
export async function sendEvent(
  deps: Deps,
  caller: Caller,
  sending: EventSending,
): Promise<{ accepted: string } | EventTrigger> {
  const { trigger, steering } = await receiver(deps, caller, sending);
  if (!steering) return presentTrigger(deps, trigger);
  const steered = await steerRun(deps, caller, { ...steering, idempotencyKey: sending.idempotencyKey });
  if ("accepted" in steered) return steered;
  return steered.event_trigger ?? presentTrigger(deps, trigger);
}

/** What the event would do to the run that waits for it. */
export async function previewEvent(deps: Deps, caller: Caller, sending: EventSending): Promise<DryRun> {
  const { trigger, steering } = await receiver(deps, caller, sending);
  if (steering) return previewSteering(deps, caller, steering);
  const { id, status } = await currentRun(deps, caller, trigger.run_id);
  return { dry_run: true, workflow_run_id: id, status, status_after: status, reset_steps: 0, steps: [] };
}

/** Who is to hear of it, and as what command; as none where the same was received before. */
async function receiver(
  deps: Deps,
  caller: Caller,
  { eventKey, payload, projectId }: EventSending,
): Promise<{ trigger: TriggerRow; steering?: Steering }> {
  const trigger = await findTrigger(deps, projectOf(caller, projectId), eventKey);
  if (!trigger) throw new Problem("not_found", "event trigger not found");
  if (trigger.status === "received" && trigger.source === "wait_for_event") {
    const received = trigger.response_payload && parseJson(await loadText(deps.db, trigger.response_payload));
    if (isDeepStrictEqual(received, payload)) return { trigger };
  }
  if (trigger.status !== "waiting" || trigger.source === "sleep")
    throw new Problem("conflict", "event trigger is not in waiting state");
  const verb = trigger.source === "approval" ? "approve" : "send-event";
  return { trigger, steering: { runId: trigger.run_id, verb, stepRef: trigger.step_ref, result: payload, eventKey } };
}

/** Keys of approvals name their run, which is asked when the mirror does not know the key yet. */
const OWN_KEY = /^approval:([0-9a-f-]{36}):/;

async function findTrigger(deps: Deps, projectId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const trigger = await findLatestTrigger(deps.db, projectId, eventKey);
  const [, runId] = OWN_KEY.exec(eventKey) ?? [];
  if (trigger || runId === undefined) return trigger;
  const answer = await askRun(deps, runId, runQuery);
  if (!answer) return undefined;
  await writeMirror(deps.db, [answer.unmirrored]);
  return findLatestTrigger(deps.db, projectId, eventKey);
}
