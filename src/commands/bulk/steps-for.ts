import type { BulkStepVerb } from "../../contract/bulk/operations.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { listApprovals } from "../../store/approvals/approvals.ts";
import { listStepRows } from "../../store/steps.ts";
import type { RunRow, StepRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** The steps of a run that a verb is for: the one named, or what there is to do. None where there is nothing to retry. */
export async function stepsFor(
  deps: Deps,
  run: RunRow,
  verb: BulkStepVerb,
  stepRef: string | undefined,
): Promise<string[]> {
  if (stepRef !== undefined) return [stepRef];
  return verb === "retry" ? toRetry(deps, run) : [await openGate(deps, run)];
}

/** What failed. Where the run ended before anything did, one step that its end canceled: with that one, the others go on as well. */
async function toRetry({ db }: Deps, run: RunRow): Promise<string[]> {
  if (run.status === "completed") return [];
  const rows = await listStepRows(db, run.id);
  const failed = rows.filter(({ status }) => status === "failed");
  if (failed.length > 0 || !isRunOver(run.status)) return failed.map(refOf);
  return rows
    .filter(({ status }) => status === "canceled")
    .slice(0, 1)
    .map(refOf);
}

const refOf = ({ step_ref }: StepRow) => step_ref;

async function openGate({ db }: Deps, { id }: RunRow): Promise<string> {
  const [approvals, steps] = await Promise.all([listApprovals(db, id), listStepRows(db, id)]);
  const open = approvals.filter(({ status }) => status === "pending").map(({ step_run_id }) => step_run_id);
  const [gate, ...others] = steps.filter((step) => open.includes(step.id)).map(refOf);
  if (gate === undefined) throw new Problem("invalid_state", "no step waits for an approval");
  if (others.length === 0) return gate;
  throw new Problem("invalid_state", `several steps wait for an approval: ${[gate, ...others].join(", ")}`);
}
