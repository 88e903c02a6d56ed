import { previewSteering, type Steered, type Steering, steerRun } from "./steer-run.ts";
import type { Accepted } from "../accepted.ts";
import { claimEvent } from "../idempotency/claim-key.ts";
import type { Json } from "../../contract/json.ts";
import type { EventTrigger } from "../../contract/events/event-trigger.ts";
import type { DryRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { findCommand, saveOutcome } from "../../store/commands.ts";
import { findLatestEventTrigger, findEventTriggerOf } from "../../store/event-triggers.ts";
import { findRun } from "../../store/runs.ts";
import { askRun } from "../../temporal/query-run.ts";
import { presentEvent } from "../../views/event.ts";
import { now } from "../../time/clock.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { runStateQuery } from "../../../workflows/messages.ts";
import { STEP_KINDS } from "../../../workflows/engine/steps/index.ts";
import { isDocumentOf } from "../is-document-of.ts";

export interface EventSending {
  eventKey: string;
  payload?: Json;
  /** Which of the caller's projects; needed by a caller of several. */
  projectId?: string;
  idempotencyKey?: string;
}

/** Resolves whoever waits for the key in the project. An approval's own key needs a listed approver. */
export async function sendEvent(deps: Deps, caller: Caller, sending: EventSending): Promise<Accepted | EventTrigger> {
  const { payload, idempotencyKey } = sending;
  const trigger = await eventTriggerUnder(deps, await eventTriggerOf(deps, caller, sending), idempotencyKey, payload);
  const steering = { ...steeringOf(trigger, sending), idempotencyKey };
  const show = (steered: Steered) =>
    "accepted" in steered ? steered : (steered.event_trigger ?? presentEvent(deps, trigger));
  if (idempotencyKey !== undefined && (await findCommand(deps.db, trigger.run_id, idempotencyKey)))
    return show(await steerRun(deps, caller, steering));
  if (await isReceived(deps, trigger, payload)) return presentEvent(deps, trigger);
  if (!isOpen(trigger)) {
    if (idempotencyKey !== undefined) {
      const { run_id, step_ref } = trigger;
      const command = { id: idempotencyKey, verb: steering.verb, actor: caller.actor, step_ref, at: now() };
      await saveOutcome(deps.db, run_id, { ...command, status: "refused", ...NOT_WAITING });
    }
    throw refusal(NOT_WAITING);
  }
  return show(await steerRun(deps, caller, steering));
}

/** What the event would do to the run that waits for it. */
export async function previewEvent(deps: Deps, caller: Caller, sending: EventSending): Promise<DryRun> {
  const trigger = await eventTriggerOf(deps, caller, sending);
  if (!(await isReceived(deps, trigger, sending.payload))) {
    if (!isOpen(trigger)) throw refusal(NOT_WAITING);
    return previewSteering(deps, caller, steeringOf(trigger, sending));
  }
  const { id, status } = await findOwnRun(deps, caller, trigger.run_id);
  return { dry_run: true, workflow_run_id: id, status, status_after: status, reset_steps: 0, steps: [] };
}

export const NOT_WAITING = { code: "conflict", message: "event trigger is not in waiting state" } as const;

async function eventTriggerOf(deps: Deps, caller: Caller, { eventKey, projectId }: EventSending): Promise<TriggerRow> {
  const trigger = await findEventTrigger(deps, projectOf(caller, projectId), eventKey);
  if (!trigger) throw new Problem("not_found", "event trigger not found");
  return trigger;
}

const steeringOf = ({ source, run_id, step_ref }: TriggerRow, { eventKey, payload }: EventSending): Steering => ({
  runId: run_id,
  verb: STEP_KINDS[source].eventVerb ?? "send-event",
  stepRef: step_ref,
  result: payload,
  eventKey,
});

const isOpen = ({ status, source }: TriggerRow): boolean =>
  status === "waiting" && STEP_KINDS[source].eventVerb !== undefined;

/** Whether this very event has been received before. */
async function isReceived(deps: Deps, trigger: TriggerRow, payload: Json | undefined): Promise<boolean> {
  if (trigger.status !== "received" || trigger.source !== "wait_for_event") return false;
  return isDocumentOf(deps.db, trigger.response_payload, payload);
}

/** The wait of the run that the Idempotency-Key is bound to, whoever waits for the event now. */
async function eventTriggerUnder(
  deps: Deps,
  latest: TriggerRow,
  key: string | undefined,
  payload: Json | undefined,
): Promise<TriggerRow> {
  if (key === undefined) return latest;
  const runId = await claimEvent(deps, latest, key, payload);
  if (runId === latest.run_id) return latest;
  return (await findEventTriggerOf(deps.db, runId, latest.event_key)) ?? latest;
}

/** The key of an approval names its run. The run is asked if the mirror does not have the key yet. */
const OWN_KEY = /^approval:([0-9a-f-]{36}):/;

async function findEventTrigger(deps: Deps, projectId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const trigger = await findLatestEventTrigger(deps.db, projectId, eventKey);
  const [, runId] = OWN_KEY.exec(eventKey) ?? [];
  if (trigger || runId === undefined) return trigger;
  // The caller may have written any id there: of another project's run, or of no run.
  const run = await findRun(deps.db, runId);
  if (run?.project_id !== projectId || isRunOver(run.status)) return undefined;
  const answer = await askRun(deps, runId, runStateQuery);
  if (!answer) return undefined;
  const unmirrored = answer.unmirrored.triggers.find(({ event_key }) => event_key === eventKey);
  // What the run has mirrored meanwhile is stored by now.
  return unmirrored ?? findLatestEventTrigger(deps.db, projectId, eventKey);
}
