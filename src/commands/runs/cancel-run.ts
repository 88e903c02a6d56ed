import { v7 as uuid } from "uuid";
import type { Accepted } from "../accepted.ts";
import { assertMayEnd } from "../gates/assert-may-end.ts";
import { claimCommand } from "../idempotency/claim-key.ts";
import { cancelOpenRun, causeOf, wasCanceledFor } from "./cancel-open-run.ts";
import { NOT_CANCELED, settleCommands } from "./settle-commands.ts";
import { logged } from "../command-log.ts";
import type { DryRun, WorkflowRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { previewCommand } from "../../queries/preview-command.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { saveOutcome } from "../../store/commands.ts";
import { presentRun } from "../../views/run.ts";
import { now } from "../../time/clock.ts";
import type { CommandOutcome } from "../../../workflows/engine/command.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** Cancels the run's workflow by Temporal's own cancellation. */
export function cancelRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  { reason, idempotencyKey }: { reason?: string; idempotencyKey?: string } = {},
): Promise<Accepted | { run: WorkflowRun }> {
  return logged(deps, { verb: "cancel", run: runId, actor: caller.actor }, async () => {
    const row = await findOwnRun(deps, caller, runId);
    await assertMayEnd(deps, caller, row);
    const command = { id: idempotencyKey ?? uuid(), verb: "cancel", actor: caller.actor };
    const canceled =
      idempotencyKey === undefined
        ? await cancelOpenRun(deps, row, { requestId: command.id, actor: command.actor, reason })
        : await cancelOnce(deps, row, command, reason);
    if ("accepted" in canceled) return { accepted: command.id, of: runId };
    return { run: await presentRun(deps, canceled.run) };
  });
}

/** The same key has the same outcome, and shows the run as it is now. */
async function cancelOnce(
  deps: Deps,
  row: RunRow,
  command: { id: string; verb: string; actor: string },
  reason: string | undefined,
) {
  if (isRunOver(row.status)) await settleCommands(deps, row);
  const { isRepeated, outcome } = await claimCommand(deps, row, command.id, {
    verb: command.verb,
    body: reason === undefined ? undefined : { reason },
  });
  if (outcome?.status === "refused") throw refusal(outcome);
  const remember = (verdict: Pick<CommandOutcome, "status" | "code" | "message">) =>
    saveOutcome(deps.db, row.id, { ...command, at: now(), ...verdict });
  // An earlier try canceled it, but could not note so; or the same request, at once, was told that somebody else had.
  const isOwn = () => wasCanceledFor(deps, row.id, causeOf({ requestId: command.id, reason }));
  if (outcome || (isRepeated && row.status === "canceled" && (await isOwn()))) {
    await remember({ status: "applied" });
    return { run: row };
  }
  try {
    const canceled = await cancelOpenRun(deps, row, { requestId: command.id, actor: command.actor, reason });
    if ("run" in canceled) await remember({ status: "applied" });
    return canceled;
  } catch (error) {
    if (error instanceof Problem && error.code === "invalid_state")
      await remember({ status: "refused", code: error.code, message: error.message });
    if (error instanceof Problem && error.code === "conflict") await remember(NOT_CANCELED);
    throw error;
  }
}

/** What would be canceled with the run. */
export async function previewCancel(deps: Deps, caller: Caller, runId: string): Promise<DryRun> {
  const row = await findOwnRun(deps, caller, runId);
  await assertMayEnd(deps, caller, row);
  return previewCommand(deps, row, { verb: "cancel", actor: caller.actor });
}
