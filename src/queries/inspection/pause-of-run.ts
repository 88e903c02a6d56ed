import type { Deps } from "../../deps.ts";
import { findOperationOf } from "../../store/bulk-operations.ts";
import type { FoundDecision } from "../../views/decision.ts";
import { decisionId } from "../../../workflows/engine/ids.ts";
import { pauseIn } from "../../../workflows/engine/reasons/waits.ts";
import type { Run } from "../../../workflows/engine/run.ts";

/** Who paused a run that is paused, and since when: what waits by itself does not tell it. Only a bulk operation has a reason. */
export async function pauseOf({ db }: Deps, run: Run): Promise<FoundDecision[]> {
  const pause = pauseIn(run);
  if (!pause) return [];
  const operation = await findOperationOf(db, pause.id);
  const comment = operation?.project_id === run.plan.run.project_id ? operation.reason : undefined;
  const reason = { reason: "run_paused", by: pause.actor, ...(comment !== undefined && { comment }) } as const;
  return [{ id: decisionId(run.plan.run.id, "", reason.reason), at: pause.at, step_ref: "", reason }];
}
