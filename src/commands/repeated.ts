import { v7 as uuid } from "uuid";
import { boundTo, usedFor } from "./bound-key.ts";
import type { Json } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { findCommand } from "../store/commands.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";
import type { TriggerRow } from "../../workflows/engine/mirror/rows.ts";

/** A command to a run or a bulk operation, as its caller asks for it. */
interface Keyed {
  verb: string;
  step_ref?: string;
  body?: unknown;
}

/**
 * Binds an Idempotency-Key to a command before that is sent, and answers whether it was bound before, with what became of
 * the command if that is known. Under the key of another command, or with another body, it is a conflict.
 */
export async function claimCommand<Outcome extends Pick<CommandOutcome, "verb" | "step_ref"> = CommandOutcome>(
  { db }: Deps,
  target: { id: string; project_id: string },
  key: string,
  { verb, step_ref, body }: Keyed,
): Promise<{ isRepeated: boolean; outcome?: Outcome }> {
  const outcome = await findCommand<Outcome>(db, target.id, key);
  if (outcome && (outcome.verb !== verb || outcome.step_ref !== step_ref)) throw usedFor("for another command");
  const claim = uuid();
  const keyed = {
    projectId: target.project_id,
    operation: `command ${target.id}`,
    key,
    body: { verb, step_ref, body },
  };
  return { isRepeated: (await boundTo(db, keyed, claim)) !== claim, outcome };
}

/**
 * Binds an Idempotency-Key to the run that an event goes to: sent again, it goes to no other one that waits for the same
 * event by then. Answers the run that it is bound to.
 */
export function claimEvent(
  { db }: Deps,
  { run_id, project_id, event_key }: TriggerRow,
  key: string,
  payload: Json | undefined,
): Promise<string> {
  return boundTo(db, { projectId: project_id, operation: `send ${event_key}`, key, body: { payload } }, run_id);
}
