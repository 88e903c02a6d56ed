import { v7 as uuid } from "uuid";
import { boundTo, usedFor } from "./bound-key.ts";
import type { Json } from "../../contract/json.ts";
import type { Deps } from "../../deps.ts";
import { findCommand } from "../../store/commands.ts";
import type { CommandOutcome } from "../../../workflows/engine/command.ts";
import type { TriggerRow } from "../../../workflows/engine/mirror/rows.ts";

/** A command to a run or a bulk operation, as its caller asks for it. */
interface Keyed {
  verb: string;
  step_ref?: string;
  body?: unknown;
}

/**
 * Binds an Idempotency-Key to a command before the command is sent. Answers whether the key was bound before, and the outcome of
 * the command if it is known. The key of another command, or another body, is a conflict.
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
 * Binds an Idempotency-Key to the run that an event goes to, and answers that run. The same event that is sent again goes to the
 * same run, even if another one waits for it by then.
 */
export function claimEvent(
  { db }: Deps,
  { run_id, project_id, event_key }: TriggerRow,
  key: string,
  payload: Json | undefined,
): Promise<string> {
  return boundTo(db, { projectId: project_id, operation: `send ${event_key}`, key, body: { payload } }, run_id);
}
