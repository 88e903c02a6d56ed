import type { CommandStatus } from "../contract/answers/commands.ts";
import { refusal } from "../errors.ts";
import type { AcceptedCommand } from "../store/accepted-commands.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** At least one of the two is given. */
export function presentCommand(outcome: CommandOutcome | undefined, accepted: AcceptedCommand | undefined) {
  const { id = "", verb = "", step_ref, actor = "" } = outcome ?? accepted ?? {};
  const known = outcome && {
    settled_at: rfc3339(outcome.at),
    reset_steps: outcome.reset_steps,
    code: outcome.code,
    error: outcome.message,
    message: outcome.message,
    details: outcome.status === "refused" ? refusal(outcome).details : undefined,
  };
  const accepted_at = accepted && rfc3339(accepted.accepted_at);
  const status = outcome?.status ?? "pending";
  return { command_id: id, verb, step_ref, actor, status, accepted_at, ...known } satisfies CommandStatus;
}
