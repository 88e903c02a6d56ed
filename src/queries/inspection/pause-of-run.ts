import type { Deps } from "../../deps.ts";
import { findOperationOf } from "../../store/bulk-operations.ts";
import type { FoundDecision } from "../../views/decision.ts";
import { decisionId } from "../../../workflows/engine/ids.ts";
import { pauseIn } from "../../../workflows/engine/reasons/waits.ts";
import type { Run } from "../../../workflows/engine/run.ts";

/** Who paused a run that is paused, since when and why: what waits by itself does not tell it. Pauses once kept no reason of their own. */
export async function pauseOf({ db }: Deps, run: Run): Promise<FoundDecision[]> {
  const pause = pauseIn(run);
  if (!pause) return [];
  const operation = pause.reason === undefined ? await findOperationOf(db, pause.id) : undefined;
  const comment = operation?.project_id === run.plan.run.project_id ? operation.reason : pause.reason;
  const reason = { reason: "run_paused", by: pause.actor, ...(comment !== undefined && { comment }) } as const;
  return [{ id: decisionId(run.plan.run.id, "", reason.reason), at: pause.at, step_ref: "", reason }];
}
