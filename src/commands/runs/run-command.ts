import { settleCommands } from "./settle-commands.ts";
import type { CommandStatus } from "../../contract/answers/commands.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { findAccepted } from "../../store/accepted-commands.ts";
import { findCommand } from "../../store/commands.ts";
import { presentCommand } from "../../views/command.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/**
 * The outcome of a command to a run. The command's id may be the Idempotency-Key that it was sent under. A command that the run
 * had not heard when it ended is settled when somebody asks for it.
 */
export async function runCommand(deps: Deps, caller: Caller, runId: string, commandId: string): Promise<CommandStatus> {
  const row = await findOwnRun(deps, caller, runId);
  const accepted = await findAccepted(deps.db, runId, commandId);
  if (accepted && isRunOver(row.status)) await settleCommands(deps, row);
  const outcome = await findCommand(deps.db, runId, commandId);
  if (!accepted && !outcome) throw new Problem("not_found", "command not found");
  return presentCommand(outcome, accepted);
}
