import { tellSettled } from "../command-log.ts";
import type { Deps } from "../../deps.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { type AcceptedCommand, listPending } from "../../store/accepted-commands.ts";
import { saveOutcome } from "../../store/commands.ts";
import { now } from "../../time/clock.ts";
import { type CommandOutcome, type Verb, VERBS } from "../../../workflows/engine/command.ts";
import { applyCommand } from "../../../workflows/engine/commands.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

/**
 * Stores the outcome of accepted commands that a run had not heard when it ended. What a run has heard is mirrored with its end, so
 * nothing else will ever be known of the others. A cancellation is not a command to the run: how the run ended is its outcome.
 */
export async function settleCommands(deps: Deps, row: RunRow): Promise<void> {
  for (const command of await listPending(deps.db, row.id)) {
    const verdict = command.verb === "cancel" ? canceledBy(row) : await verdictOf(deps, row, command);
    if (!verdict) continue;
    const { id, verb, actor, step_ref } = command;
    const outcome = { id, verb, actor, step_ref, at: row.finished_at ?? now(), ...verdict };
    if (await saveOutcome(deps.db, row.id, outcome)) tellSettled(deps.log, { run: row.id }, outcome);
  }
}

type Verdict = Pick<CommandOutcome, "status" | "code" | "message">;

export const NOT_CANCELED: Verdict = { status: "refused", code: "conflict", message: "failed to cancel workflow run" };

const canceledBy = ({ status }: RunRow): Verdict => (status === "canceled" ? { status: "applied" } : NOT_CANCELED);

/** Undefined for what reopens the run: that is still to be heard. */
async function verdictOf(deps: Deps, row: RunRow, command: AcceptedCommand): Promise<Verdict | undefined> {
  const verb = VERBS.find((one) => one === command.verb) as Verb;
  const { id, actor, step_ref, accepted_at: at } = command;
  const verdict = applyCommand(await mirroredRun(deps, row), { type: "command", id, verb, actor, step_ref, at });
  return verdict.status === "refused" && verb !== "retry" && verb !== "replay-subtree" ? verdict : undefined;
}
