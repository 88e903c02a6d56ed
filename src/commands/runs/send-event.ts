import { isDeepStrictEqual } from "node:util";
import { previewSteering, type Steered, type Steering, steerRun } from "./steer-run.ts";
import type { Accepted } from "../accepted.ts";
import { claimEvent } from "../repeated.ts";
import { type Json, parseJson } from "../../contract/json.ts";
import type { DryRun, EventTrigger } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { loadText } from "../../store/documents.ts";
import { findCommand, saveOutcome } from "../../store/commands.ts";
import { findLatestTrigger, findTriggerOf } from "../../store/event-triggers.ts";
import { writeMirror } from "../../store/mirror.ts";
import { findRun } from "../../store/runs.ts";
import { askRun } from "../../temporal/query-run.ts";
import { presentEvent } from "../../views/event.ts";
import type { TriggerRow } from "../../../workflows/engine/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { runStateQuery } from "../../../workflows/messages.ts";

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
  const trigger = await triggerUnder(deps, await triggerOf(deps, caller, sending), idempotencyKey, payload);
  const steering = { ...steeringOf(trigger, sending), idempotencyKey };
  const show = (steered: Steered) =>
    "accepted" in steered ? steered : (steered.event_trigger ?? presentEvent(deps, trigger));
  if (idempotencyKey !== undefined && (await findCommand(deps.db, trigger.run_id, idempotencyKey)))
    return show(await steerRun(deps, caller, steering));
  if (await isReceived(deps, trigger, payload)) return presentEvent(deps, trigger);
  if (!isOpen(trigger)) {
    if (idempotencyKey !== undefined) {
      const { run_id, step_ref } = trigger;
      const command = { id: idempotencyKey, verb: steering.verb, actor: caller.actor, step_ref, at: Date.now() };
      await saveOutcome(deps.db, run_id, { ...command, status: "refused", ...NOT_WAITING });
    }
    throw refusal(NOT_WAITING);
  }
  return show(await steerRun(deps, caller, steering));
}

/** What the event would do to the run that waits for it. */
export async function previewEvent(deps: Deps, caller: Caller, sending: EventSending): Promise<DryRun> {
  const trigger = await triggerOf(deps, caller, sending);
  if (!(await isReceived(deps, trigger, sending.payload))) {
    if (!isOpen(trigger)) throw refusal(NOT_WAITING);
    return previewSteering(deps, caller, steeringOf(trigger, sending));
  }
  const { id, status } = await findOwnRun(deps, caller, trigger.run_id);
  return { dry_run: true, workflow_run_id: id, status, status_after: status, reset_steps: 0, steps: [] };
}

const NOT_WAITING = { code: "conflict", message: "event trigger is not in waiting state" } as const;

async function triggerOf(deps: Deps, caller: Caller, { eventKey, projectId }: EventSending): Promise<TriggerRow> {
  const trigger = await findTrigger(deps, projectOf(caller, projectId), eventKey);
  if (!trigger) throw new Problem("not_found", "event trigger not found");
  return trigger;
}

const steeringOf = ({ source, run_id, step_ref }: TriggerRow, { eventKey, payload }: EventSending): Steering => ({
  runId: run_id,
  verb: source === "approval" ? "approve" : "send-event",
  stepRef: step_ref,
  result: payload,
  eventKey,
});

const isOpen = ({ status, source }: TriggerRow): boolean => status === "waiting" && source !== "sleep";

/** The same event again. */
async function isReceived(deps: Deps, trigger: TriggerRow, payload: Json | undefined): Promise<boolean> {
  if (trigger.status !== "received" || trigger.source !== "wait_for_event") return false;
  const received = trigger.response_payload && parseJson(await loadText(deps.db, trigger.response_payload));
  return isDeepStrictEqual(received, payload);
}

/** The same key again: of the same run, whoever waits for the event now. */
async function triggerUnder(
  deps: Deps,
  latest: TriggerRow,
  key: string | undefined,
  payload: Json | undefined,
): Promise<TriggerRow> {
  if (key === undefined) return latest;
  const runId = await claimEvent(deps, latest, key, payload);
  if (runId === latest.run_id) return latest;
  return (await findTriggerOf(deps.db, runId, latest.event_key)) ?? latest;
}

/** Keys of approvals name their run, which is asked when the mirror does not know the key yet. */
const OWN_KEY = /^approval:([0-9a-f-]{36}):/;

async function findTrigger(deps: Deps, projectId: string, eventKey: string): Promise<TriggerRow | undefined> {
  const trigger = await findLatestTrigger(deps.db, projectId, eventKey);
  const [, runId] = OWN_KEY.exec(eventKey) ?? [];
  if (trigger || runId === undefined) return trigger;
  // Anything may be written there: the id of another project's run, or of no run at all.
  const run = await findRun(deps.db, runId);
  if (run?.project_id !== projectId || isRunOver(run.status)) return undefined;
  const answer = await askRun(deps, runId, runStateQuery);
  if (!answer) return undefined;
  await writeMirror(deps.db, [answer.unmirrored]);
  return findLatestTrigger(deps.db, projectId, eventKey);
}
