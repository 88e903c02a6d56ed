import { isDeepStrictEqual } from "node:util";
import { type Steered, steerRun } from "./steer-run.ts";
import type { Accepted } from "../accepted.ts";
import { claimEvent } from "../repeated.ts";
import { type Json, parseJson } from "../../contract/json.ts";
import type { EventTrigger } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { loadText } from "../../store/documents.ts";
import { findCommand, saveOutcome } from "../../store/commands.ts";
import { findLatestTrigger, findTriggerOf } from "../../store/event-triggers.ts";
import { writeMirror } from "../../store/mirror.ts";
import { findRun } from "../../store/runs.ts";
import { askRun } from "../../temporal/query-run.ts";
import { presentTrigger } from "../../views/run.ts";
import type { TriggerRow } from "../../../workflows/engine/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";
import { runQuery } from "../../../workflows/messages.ts";

export interface EventSending {
  eventKey: string;
  payload?: Json;
  /** Which of the caller's projects; needed by a caller of several. */
  projectId?: string;
  idempotencyKey?: string;
}

/** Resolves whoever waits for the key in the project (contract §5). An approval's own key needs a listed approver. */
export async function sendEvent(deps: Deps, caller: Caller, sending: EventSending): Promise<Accepted | EventTrigger> {
  const { eventKey, payload, idempotencyKey } = sending;
  const latest = await findTrigger(deps, projectOf(caller, sending.projectId), eventKey);
  if (!latest) throw new Problem("not_found", "event trigger not found");
  const trigger = await triggerUnder(deps, latest, idempotencyKey, payload);
  const verb = trigger.source === "approval" ? "approve" : "send-event";
  const steering = {
    runId: trigger.run_id,
    verb,
    stepRef: trigger.step_ref,
    result: payload,
    eventKey,
    idempotencyKey,
  } as const;
  const show = (steered: Steered) =>
    "accepted" in steered ? steered : (steered.event_trigger ?? presentTrigger(deps, trigger));
  if (idempotencyKey !== undefined && (await findCommand(deps.db, trigger.run_id, idempotencyKey)))
    return show(await steerRun(deps, caller, steering));
  if (trigger.status === "received" && trigger.source === "wait_for_event") {
    const received = trigger.response_payload && parseJson(await loadText(deps.db, trigger.response_payload));
    if (isDeepStrictEqual(received, payload)) return presentTrigger(deps, trigger);
  }
  if (trigger.status !== "waiting" || trigger.source === "sleep") {
    const refused = { code: "conflict", message: "event trigger is not in waiting state" } as const;
    if (idempotencyKey !== undefined) {
      const { run_id, step_ref } = trigger;
      const command = { id: idempotencyKey, verb, actor: caller.actor, step_ref, at: Date.now() };
      await saveOutcome(deps.db, run_id, { ...command, status: "refused", ...refused });
    }
    throw refusal(refused);
  }
  return show(await steerRun(deps, caller, steering));
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
  const answer = await askRun(deps, runId, runQuery);
  if (!answer) return undefined;
  await writeMirror(deps.db, [answer.unmirrored]);
  return findLatestTrigger(deps.db, projectId, eventKey);
}
