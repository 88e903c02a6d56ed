import { setTimeout as pauseFor } from "node:timers/promises";
import pMap from "p-map";
import { logged } from "../command-log.ts";
import { cancelRun, previewCancel } from "../runs/cancel-run.ts";
import { previewRetry, startRetry } from "../runs/retry-run.ts";
import type { BulkCanceled, BulkCancelPlan, BulkReplayed, BulkReplayPlan } from "../../contract/bulk-verbs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { isOutage } from "../../outage.ts";
import { findOwnRun } from "../../queries/runs.ts";
import { findRun } from "../../store/runs.ts";
import type { RunRow } from "../../../workflows/engine/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** How many runs of one request are worked on at once. */
export const CONCURRENCY = 16;

/**
 * Cancels each run as a single cancel does; what can't be canceled only counts. Sub-workflows come after the runs that they are
 * part of, and end with them: canceled before, they would fail those.
 */
export async function bulkCancel(
  deps: Deps,
  caller: Caller,
  ids: string[],
  idempotencyKey?: string,
): Promise<BulkCanceled> {
  const distinct = [...new Set(ids)];
  const key = keyOfEach(idempotencyKey);
  const attempt = attempting(deps);
  const rows = await pMap(distinct, (id) => findRun(deps.db, id), { concurrency: CONCURRENCY });
  const depths = new Map(distinct.map((id, i) => [id, rows[i]?.depth ?? 0]));
  const canceled = new Set<string>();
  let outage: unknown;
  const isCanceled = async (id: string): Promise<boolean> => {
    const done = await attempt(() => cancelRun(deps, caller, id, key));
    if (!("error" in done)) return true;
    outage ??= done.outage;
    const row = await findRun(deps.db, id);
    if (row?.status === "canceled" && canceled.has(row.parent_workflow_run_id ?? "")) return true;
    deps.log.info({ run: id, reason: done.error }, "run was not canceled");
    return false;
  };
  for (const depth of [...new Set(depths.values())].sort((a, b) => a - b)) {
    const act = async (id: string) => {
      if (await isCanceled(id)) canceled.add(id);
    };
    await pMap(
      distinct.filter((id) => depths.get(id) === depth),
      act,
      { concurrency: CONCURRENCY },
    );
  }
  // Nothing was done, and nobody's id is to blame.
  if (outage && canceled.size === 0) throw outage;
  const workflow_run_ids = distinct.filter((id) => canceled.has(id));
  return { canceled: workflow_run_ids.length, failed: distinct.length - workflow_run_ids.length, workflow_run_ids };
}

/** What a bulk cancel would do to each run, each by itself. */
export async function previewBulkCancel(deps: Deps, caller: Caller, ids: string[]): Promise<BulkCancelPlan> {
  const attempt = attempting(deps);
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

/** Retries each run as a single retry does, in the order asked; errors are told by entry. */
export async function bulkReplay(
  deps: Deps,
  caller: Caller,
  ids: string[],
  idempotencyKey?: string,
): Promise<BulkReplayed> {
  const key = keyOfEach(idempotencyKey);
  const attempt = attempting(deps);
  let outage: unknown;
  const results = await pMap(
    [...new Set(ids)],
    async (original_run_id) => {
      const retried = await attempt(() => replay(deps, caller, original_run_id, key));
      if (!("error" in retried)) return { original_run_id, new_run_id: retried.value, status: "replayed" as const };
      outage ??= retried.outage;
      return { original_run_id, status: "failed" as const, error: retried.error };
    },
    { concurrency: CONCURRENCY },
  );
  if (outage && results.every(({ status }) => status === "failed")) throw outage;
  return counted(results);
}

/** What a bulk replay would do to each run, each by itself. */
export async function previewBulkReplay(deps: Deps, caller: Caller, ids: string[]): Promise<BulkReplayPlan> {
  const attempt = attempting(deps);
  const results = await pMap(
    [...new Set(ids)],
    async (original_run_id): Promise<BulkReplayPlan["results"][number]> => {
      const seen = await attempt(async () =>
        previewRetry(deps, caller, await replayed(deps, caller, original_run_id), {}),
      );
      if ("error" in seen) return { original_run_id, status: "failed", error: seen.error };
      return { original_run_id, status: "replayed", plan: seen.value };
    },
    { concurrency: CONCURRENCY },
  );
  return { dry_run: true, ...counted(results) };
}

function counted<Item extends { status: "replayed" | "failed" }>(results: Item[]) {
  const replayed = results.filter(({ status }) => status === "replayed").length;
  return { replayed, failed: results.length - replayed, total: results.length, results };
}

/** A retry, with the words of the bulk verb. Under the same key again it is the same new run. */
export async function replay(deps: Deps, caller: Caller, runId: string, key: string | undefined): Promise<string> {
  const command = { verb: "replay", run: runId, actor: caller.actor };
  const started = await logged(deps, command, async () =>
    startRetry(deps, caller, await replayed(deps, caller, runId), {}, key),
  );
  return started.id;
}

async function replayed(deps: Deps, caller: Caller, runId: string): Promise<RunRow> {
  const source = await findOwnRun(deps, caller, runId).catch((error) => {
    if (error instanceof Problem && error.code === "not_found")
      throw new Problem("not_found", `get original workflow run: ${error.message}`);
    throw error;
  });
  if (!isRunOver(source.status))
    throw new Problem(
      "invalid_state",
      `cannot retry workflow run ${runId}: status is ${source.status} (must be terminal)`,
    );
  return source;
}

/** Not the key of a request for that run alone. */
const keyOfEach = (key: string | undefined) => key && `${key}/bulk`;

/** As long as a request for one run has: of one deadline for all, a busy Temporal would leave nothing for the last ones. */
const ITEM_WITHIN_MS = 15_000;
const AWAY = "workflow engine not available";
const TRIES = 3;
const TRIED_AGAIN_AFTER_MS = 500;
/** What took longer to fail will not pass in a moment. */
const PASSES_WITHIN_MS = 2_000;

/**
 * One bad id spoils nothing: its error, in words fit for the caller, is its own. What passes in a moment fails nobody; once a
 * server is away for longer, what comes after is not tried, and not waited for.
 */
function attempting({ log, temporal }: Deps) {
  let isAway = false;
  return async <T>(act: () => Promise<T>): Promise<{ value: T } | { error: string; outage?: unknown }> => {
    for (let tries = 1; !isAway; tries++) {
      const since = Date.now();
      try {
        return { value: await temporal.withDeadline(Date.now() + ITEM_WITHIN_MS, act) };
      } catch (error) {
        if (error instanceof Problem && !isOutage(error)) return { error: error.message };
        log.error({ err: error }, "bulk item failed");
        if (!isOutage(error)) return { error: AWAY };
        if (tries < TRIES && Date.now() - since < PASSES_WITHIN_MS) await pauseFor(TRIED_AGAIN_AFTER_MS);
        else {
          isAway = true;
          return { error: AWAY, outage: error };
        }
      }
    }
    return { error: AWAY };
  };
}
