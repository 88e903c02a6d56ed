import pMap from "p-map";
import { attempting, CONCURRENCY, keyOfEach } from "./each-run.ts";
import { isCanceledByNow } from "../runs/cancel-open-run.ts";
import { cancelRun, previewCancel } from "../runs/cancel-run.ts";
import type { BulkCanceled, BulkCancelPlan } from "../../contract/bulk/verbs.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { findRun } from "../../store/runs.ts";

/**
 * Cancels each run as a single cancel does, and counts those that can't be canceled. What a single cancel would answer with a 202 is
 * told apart. Parents come before their sub-workflows,
 * which end with them: a sub-workflow that is canceled first would make its parent fail.
 */
export async function bulkCancel(
  deps: Deps,
  caller: Caller,
  ids: string[],
  idempotencyKey?: string,
): Promise<BulkCanceled> {
  const distinct = [...new Set(ids)];
  const key = keyOfEach(idempotencyKey);
  const { attempt, assertAny } = attempting(deps);
  const rows = await pMap(distinct, (id) => findRun(deps.db, id), { concurrency: CONCURRENCY });
  const depths = new Map(distinct.map((id, i) => [id, rows[i]?.depth ?? 0]));
  const canceled = new Set<string>();
  const accepted = new Map<string, string>();
  const isTold = (id: string) => canceled.has(id) || accepted.has(id);
  for (const depth of [...new Set(depths.values())].sort((a, b) => a - b)) {
    const act = async (id: string) => {
      const done = await attempt(() => cancelRun(deps, caller, id, key));
      if ("error" in done) {
        const row = await findRun(deps.db, id);
        if (row?.status === "canceled" && isTold(row.parent_workflow_run_id ?? "")) canceled.add(id);
        else deps.log.info({ run: id, reason: done.error }, "run was not canceled");
      } else if ("accepted" in done.value) accepted.set(id, done.value.accepted);
      else canceled.add(id);
    };
    await pMap(
      distinct.filter((id) => depths.get(id) === depth),
      act,
      { concurrency: CONCURRENCY },
    );
  }
  assertAny(canceled.size + accepted.size);
  // Of many at once some are slow. They have had the time of all the others by now.
  const settle = async (id: string) => {
    const done = await attempt(() => isCanceledByNow(deps, id));
    if ("value" in done && done.value && accepted.delete(id)) canceled.add(id);
  };
  await pMap([...accepted.keys()], settle, { concurrency: CONCURRENCY });
  return {
    canceled: canceled.size,
    failed: distinct.length - canceled.size - accepted.size,
    workflow_run_ids: distinct.filter((id) => canceled.has(id)),
    ...(accepted.size > 0 && {
      accepted: [...accepted].map(([workflow_run_id, command_id]) => ({ workflow_run_id, command_id })),
    }),
  };
}

/** What a bulk cancel would do to each run, each by itself. */
export async function previewBulkCancel(deps: Deps, caller: Caller, ids: string[]): Promise<BulkCancelPlan> {
  const { attempt } = attempting(deps);
  const results = await pMap(
    [...new Set(ids)],
    async (workflow_run_id): Promise<BulkCancelPlan["results"][number]> => {
      const seen = await attempt(() => previewCancel(deps, caller, workflow_run_id));
      if ("error" in seen) return { workflow_run_id, status: "failed", error: seen.error };
      return { workflow_run_id, status: "canceled", plan: seen.value };
    },
    { concurrency: CONCURRENCY },
  );
  const workflow_run_ids = results.filter(({ status }) => status === "canceled").map((one) => one.workflow_run_id);
  const canceled = workflow_run_ids.length;
  return { dry_run: true, canceled, failed: results.length - canceled, workflow_run_ids, results };
}
