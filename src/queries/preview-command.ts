import type { DryRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem, refusal } from "../errors.ts";
import { isLost, lost } from "./lost-run.ts";
import { mirroredRun } from "./mirrored-run.ts";
import { findRun } from "../store/runs.ts";
import { askUntil } from "../temporal/query-run.ts";
import { whereabouts } from "../temporal/whereabouts.ts";
import { previewOf, type PreviewRequest } from "../../workflows/engine/preview.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import { previewQuery } from "../../workflows/messages.ts";

/** What a command would do to a run. An open run is asked; for a closed one the same rule is applied to the mirror. */
export async function previewCommand(deps: Deps, row: RunRow, request: PreviewRequest): Promise<DryRun> {
  const preview = isRunOver(row.status)
    ? await ofClosed(deps, row, request)
    : ((await askUntil(deps, row.id, () => true, previewQuery, request)) ?? (await ofLost(deps, row, request)));
  if (!preview) throw new Problem("unavailable", "no worker can say what the run would do");
  if (preview.status === "refused") throw refusal(preview);
  const reopens = isRunOver(row.status) && request.verb !== "retry-run" && preview.reset_steps > 0;
  const parent = reopens ? await ofParent(deps, row) : undefined;
  return { dry_run: true, workflow_run_id: row.id, ...preview, ...(parent && { parent }) };
}

/** Undefined if the parent refuses the run, because it has no use for it any more. */
async function ofParent(deps: Deps, { id, parent_workflow_run_id }: RunRow): Promise<DryRun | undefined> {
  const parent = parent_workflow_run_id && (await findRun(deps.db, parent_workflow_run_id));
  if (!parent) return undefined;
  return previewCommand(deps, parent, { verb: "adopt", actor: "", child_run_id: id }).catch((error) => {
    if (error instanceof Problem && error.code === "conflict") return undefined;
    throw error;
  });
}

/** A run that Temporal does not know any more can only be canceled, and does not have to be asked about that. */
async function ofLost(deps: Deps, row: RunRow, request: PreviewRequest) {
  if (!isLost(row) || (await whereabouts(deps, row.id)).is !== "unknown") return undefined;
  if (request.verb !== "cancel") throw lost();
  return ofClosed(deps, row, request);
}

async function ofClosed(deps: Deps, row: RunRow, request: PreviewRequest) {
  const { plan, state } = await mirroredRun(deps, row);
  return previewOf(plan, state, request, Date.now());
}
