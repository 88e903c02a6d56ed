import { v7 as uuid } from "uuid";
import { type Accepted, accepted } from "../accepted.ts";
import { tellOfOffer } from "./tell-of-offer.ts";
import { boundTo } from "../idempotency/bound-key.ts";
import { previewSteering, type Steering, steerRun } from "../runs/steer-run.ts";
import type { HoldPlan } from "../../contract/events/events.ts";
import { type Json, parseJson, stringifyJson } from "../../contract/json.ts";
import type { EventTrigger } from "../../contract/events/event-trigger.ts";
import type { DryRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { loadText } from "../../store/documents.ts";
import { findEventTriggerOf, findWaitingEventTrigger } from "../../store/event-triggers.ts";
import {
  findHeldEvent,
  findShownEvent,
  type HeldEvent,
  holdEvent as store,
  settleOffers,
  withdrawOffer,
} from "../../store/events/held-events.ts";
import { findRun } from "../../store/runs.ts";
import { presentEvent } from "../../views/event.ts";
import { reservedKeyProblem } from "../../../workflows/engine/steps/event-keys.ts";
import { isDocumentOf } from "../is-document-of.ts";

export interface EventHolding {
  eventKey: string;
  payload?: Json;
  holdSecs: number;
  projectId?: string;
  idempotencyKey?: string;
}

/** How often an event is offered to whoever waits by then, and not taken because that wait has just ended. */
const TRIES = 3;

/**
 * Sends an event to whoever waits for it, or holds it for who will be the first to. Each is a new event, unless an equal one is
 * held already or the Idempotency-Key says that it is the same.
 */
export async function holdEvent(deps: Deps, caller: Caller, holding: EventHolding): Promise<Accepted | EventTrigger> {
  const { eventKey, payload, holdSecs, idempotencyKey: key } = holding;
  const projectId = projectOf(caller, holding.projectId);
  assertHoldable(eventKey);
  const keyed = { projectId, operation: `send ${eventKey}`, body: { payload, hold_secs: holdSecs } };
  const id = key === undefined ? uuid() : await boundTo(deps.db, { ...keyed, key }, uuid());
  for (let tries = 0; tries < TRIES; tries++) {
    const event = await store(deps.db, {
      id,
      project_id: projectId,
      event_key: eventKey,
      text: payload === undefined ? undefined : stringifyJson(payload),
      hold_secs: holdSecs,
      sent_by: caller.actor,
    });
    const isSame = event.id === id || (await isDocumentOf(deps.db, event.payload, payload));
    if (!isSame && event.status !== "offered") throw heldAlready();
    if (event.status !== "offered") return show(deps, event);
    // Another event goes first, and may come back.
    const taken = await offered(deps, caller, event);
    if (taken && isSame) return taken;
  }
  const event = await findHeldEvent(deps.db, id);
  if (!event) throw heldAlready();
  return show(deps, event);
}

/** Where somebody waits, what that would do to the run; else what would be held. */
export async function previewHold(deps: Deps, caller: Caller, holding: EventHolding): Promise<DryRun | HoldPlan> {
  const { eventKey, payload, holdSecs } = holding;
  const projectId = projectOf(caller, holding.projectId);
  assertHoldable(eventKey);
  const wait = await findWaitingEventTrigger(deps.db, projectId, eventKey);
  if (wait) {
    const { run_id: runId, step_ref: stepRef } = wait;
    return previewSteering(deps, caller, { runId, verb: "send-event", stepRef, eventKey });
  }
  const held = await findShownEvent(deps.db, projectId, eventKey);
  if (held?.status === "held" && !(await isDocumentOf(deps.db, held.payload, payload))) throw heldAlready();
  return {
    dry_run: true,
    event_trigger: {
      event_key: eventKey,
      project_id: projectId,
      source_type: "workflow_step",
      trigger_type: "event",
      status: "held",
      timeout_secs: holdSecs,
      response_payload: payload,
      sent_by: caller.actor,
    },
  };
}

const heldAlready = () => new Problem("conflict", "another event is held under this key");

/** An approval's decision is not to be made before it is asked for. */
function assertHoldable(eventKey: string): void {
  const problem = reservedKeyProblem(eventKey);
  if (problem !== undefined)
    throw new Problem("validation_error", `the key of an event that is held ${problem}`, [
      `hold_secs: the key ${problem}`,
    ]);
}

/** Undefined: the run that it was offered to has not taken it. */
async function offered(deps: Deps, caller: Caller, event: HeldEvent): Promise<Accepted | EventTrigger | undefined> {
  const { run_id = "", step_ref, event_key, command_id, payload, sent_by } = event;
  if (!(await findRun(deps.db, run_id))) {
    // It has begun, and its row is not committed yet. It hears of the offer all the same.
    await tellOfOffer(deps, event);
    return accepted(deps, { run_id, id: command_id ?? "", verb: "send-event", step_ref, actor: sent_by });
  }
  const result = payload && parseJson(await loadText(deps.db, payload));
  const steering: Steering = {
    ...{ runId: run_id, verb: "send-event", stepRef: step_ref, eventKey: event_key },
    ...{ commandId: command_id, result },
  };
  try {
    const steered = await steerRun(deps, { ...caller, actor: sent_by }, steering);
    await settleOffers(deps.db, event.project_id, event_key);
    return "accepted" in steered ? steered : steered.event_trigger;
  } catch (error) {
    if (!(error instanceof Problem) || !REFUSALS.includes(error.code)) throw error;
    await withdrawOffer(deps.db, event);
    return undefined;
  }
}

const REFUSALS = ["conflict", "invalid_state", "not_found"];

/** What became of it: who has taken it, or how it is held. */
async function show(deps: Deps, event: HeldEvent): Promise<EventTrigger> {
  const { status, run_id, event_key } = event;
  const wait = status === "delivered" && run_id ? await findEventTriggerOf(deps.db, run_id, event_key) : undefined;
  return presentEvent(deps, wait ?? event);
}
