import { previewOf } from "../../workflows/engine/preview.ts";
import type { RecoveryRequest } from "../../workflows/engine/recovery.ts";
import type { RunRow } from "../../workflows/engine/rows.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { recoveryQuery } from "../../workflows/messages.ts";
import type { DryRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem, refusal } from "../errors.ts";
import { askUntil } from "./ask.ts";
import { mirroredRun } from "./mirrored-run.ts";

/** What a recovery would do to a run. An open one is asked; of a closed one the same rule reads it off the mirror. */
export async function previewRecovery(deps: Deps, row: RunRow, request: RecoveryRequest): Promise<DryRun> {
  const preview = isRunOver(row.status)
    ? await ofClosed(deps, row, request)
    : await askUntil(deps, row.id, () => true, recoveryQuery, request);
  if (!preview) throw new Problem("unavailable", "no worker can say what the run would do");
  if (preview.status === "refused") throw refusal(preview);
  return { dry_run: true, workflow_run_id: row.id, ...preview };
}

async function ofClosed(deps: Deps, row: RunRow, request: RecoveryRequest) {
  const { plan, state } = await mirroredRun(deps, row);
  return previewOf(plan, state, request, Date.now());
}
