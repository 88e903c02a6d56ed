import type { Accepted } from "../accepted.ts";
import { assertMayFail } from "../gates/assert-may-end.ts";
import { boundTo } from "../idempotency/bound-key.ts";
import { previewSteering, type Steering, steerRun } from "../runs/steer-run.ts";
import type { EventTrigger } from "../../contract/events/event-trigger.ts";
import type { DryRun } from "../../contract/runs.ts";
import type { CancelPlan } from "../../contract/events/events.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findLatestEventTrigger, findEventTriggerOf } from "../../store/event-triggers.ts";
import { cancelHeldEvent, findHeldEvent, findShownEvent, type HeldEvent } from "../../store/events/held-events.ts";
import { presentEvent } from "../../views/event.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";
import { NOT_WAITING } from "../runs/send-event.ts";

export interface EventCancel {
  eventKey: string;
  projectId?: string;
  idempotencyKey?: string;
}

/** Ends the wait for a key, which fails its step; where nobody waits, what is held under the key is let go. */
export async function cancelEvent(deps: Deps, caller: Caller, asked: EventCancel): Promise<Accepted | EventTrigger> {
  const { eventKey, idempotencyKey } = asked;
  const projectId = projectOf(caller, asked.projectId);
  for (;;) {
    const { wait, held } = await meantBy(deps, projectId, asked);
    if (wait && (wait.status === "waiting" || idempotencyKey !== undefined)) {
      if (wait.source === "wait_for_event") await assertMayFail(deps, caller, wait);
      const steered = await steerRun(deps, caller, { ...steeringOf(wait), idempotencyKey });
      return "accepted" in steered ? steered : (steered.event_trigger ?? presentEvent(deps, wait));
    }
    if (held?.status === "canceled" && idempotencyKey !== undefined) return presentEvent(deps, held);
    if (held?.status !== "held") throw notWaiting();
    const canceled = await cancelHeldEvent(deps.db, projectId, eventKey);
    if (canceled) return presentEvent(deps, canceled);
    // A wait has just opened, and was offered the event.
  }
}

/** What it would do to the run that waits; or the held event as it would be. */
export async function previewCancelEvent(
  deps: Deps,
  caller: Caller,
  { eventKey, projectId }: EventCancel,
): Promise<DryRun | CancelPlan> {
  const { wait, held } = await meantBy(deps, projectOf(caller, projectId), { eventKey });
  if (wait?.status === "waiting") {
    if (wait.source === "wait_for_event") await assertMayFail(deps, caller, wait);
    return previewSteering(deps, caller, steeringOf(wait));
  }
  if (held?.status !== "held") throw notWaiting();
  return { dry_run: true, event_trigger: await presentEvent(deps, { ...held, status: "canceled" }) };
}

const notWaiting = () => refusal(NOT_WAITING);

/** Under the same Idempotency-Key again it is the same wait, or the same event, whatever the key stands for by then. */
async function meantBy(
  { db }: Deps,
  projectId: string,
  { eventKey, idempotencyKey: key }: EventCancel,
): Promise<{ wait?: TriggerRow; held?: HeldEvent }> {
  const latest = await findLatestEventTrigger(db, projectId, eventKey);
  const held = latest?.status === "waiting" ? undefined : await findShownEvent(db, projectId, eventKey);
  if (!latest && !held) throw new Problem("not_found", "event trigger not found");
  const wait = held?.status === "held" ? undefined : latest;
  if (key === undefined) return { wait, held };
  const keyed = { projectId, operation: `cancel ${eventKey}`, key, body: {} };
  const bound = await boundTo(db, keyed, wait?.run_id ?? (held as HeldEvent).id);
  const earlier = await findEventTriggerOf(db, bound, eventKey);
  return earlier ? { wait: earlier } : { held: await findHeldEvent(db, bound) };
}

/** A gate that nobody may decide any more is rejected, which is its approvers' to do. Sleep is not to be cut short. */
function steeringOf({ source, run_id, step_ref, event_key }: TriggerRow): Steering {
  if (source === "sleep") throw notWaiting();
  const step = { runId: run_id, stepRef: step_ref };
  if (source === "approval") return { ...step, verb: "reject", reason: "event trigger canceled by user" };
  return { ...step, verb: "cancel-event", eventKey: event_key };
}
