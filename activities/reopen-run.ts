import { reopenRun as reopen } from "../src/commands/runs/reopen-run.ts";
import type { Deps } from "../src/deps.ts";
import { findRun } from "../src/store/runs.ts";
import type { Activities } from "../workflows/activity-types.ts";

export function reopenRun(deps: Deps): Activities["reopenRun"] {
  return async ({ run_id, verb, command }) => {
    const row = await findRun(deps.db, run_id);
    if (!row) return { refused: `workflow run ${run_id} is not stored` };
    await reopen(deps, row, verb, command);
    return {};
  };
}
