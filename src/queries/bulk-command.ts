import type { CommandStatus } from "../contract/answers/commands.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { findOwnBulkOperation } from "./bulk-operations.ts";
import { findAccepted } from "../store/accepted-commands.ts";
import { findCommand } from "../store/commands.ts";
import { presentCommand } from "../views/command.ts";
import type { BulkOutcome } from "../../workflows/bulk/messages.ts";
import { BULK_VERBS, isBulkOver, steeredBulk } from "../../workflows/bulk/status.ts";

/** The outcome of a command to a bulk operation. A command that it had not heard when it ended is refused as too late. */
export async function bulkCommand(
  deps: Deps,
  caller: Caller,
  operationId: string,
  commandId: string,
): Promise<CommandStatus> {
  const { status, finished_at } = await findOwnBulkOperation(deps, caller, operationId);
  const accepted = await findAccepted(deps.db, operationId, commandId);
  const outcome = await findCommand<BulkOutcome>(deps.db, operationId, commandId);
  if (outcome)
    return presentCommand({ ...outcome, code: outcome.status === "refused" ? "invalid_state" : undefined }, accepted);
  if (!accepted) throw new Problem("not_found", "command not found");
  const verb = BULK_VERBS.find((one) => one === accepted.verb);
  if (!verb || !isBulkOver(status) || finished_at === undefined) return presentCommand(undefined, accepted);
  const { id, actor } = accepted;
  const message = steeredBulk(status, verb).refused;
  return presentCommand(
    { id, verb, actor, at: finished_at, status: "refused", code: "invalid_state", message },
    accepted,
  );
}
