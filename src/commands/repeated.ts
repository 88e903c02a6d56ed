import { createHash } from "node:crypto";
import { v7 as uuid } from "uuid";
import { type Json, stringifyJson } from "../contract/json.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { findCommand } from "../store/commands.ts";
import { claimKey } from "../store/idempotency.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";
import type { TriggerRow } from "../../workflows/engine/rows.ts";

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
  const bodyHash = hashOf({ verb, step_ref, body });
  const claim = uuid();
  const operation = `command ${target.id}`;
  const bound = await claimKey(db, { projectId: target.project_id, operation, key, bodyHash, runId: claim });
  if (bound.bodyHash !== bodyHash) throw usedFor("with another body");
  return { isRepeated: bound.runId !== claim, outcome };
}

/**
 * Binds an Idempotency-Key to the run that an event goes to: sent again, it goes to no other one that waits for the same
 * event by then. Answers the run that it is bound to.
 */
export async function claimEvent(
  { db }: Deps,
  { run_id, project_id, event_key }: TriggerRow,
  key: string,
  payload: Json | undefined,
): Promise<string> {
  const bodyHash = hashOf({ payload });
  const claim = { projectId: project_id, operation: `send ${event_key}`, key, bodyHash, runId: run_id };
  const bound = await claimKey(db, claim);
  if (bound.bodyHash !== bodyHash) throw usedFor("with another body");
  return bound.runId;
}

const hashOf = (asked: object): string => createHash("sha256").update(stringifyJson(asked)).digest("hex");

const usedFor = (what: string) => new Problem("conflict", `idempotency key was used ${what}`);
