import pMap from "p-map";
import { attempting, CONCURRENCY, keyOfEach } from "./each-run.ts";
import { logged } from "../command-log.ts";
import { previewRetry, startRetry } from "../runs/retry-run.ts";
import type { BulkReplayed, BulkReplayPlan } from "../../contract/bulk/verbs.ts";
import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnRun } from "../../queries/runs.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** Retries each run as a single retry does, in the order asked; errors are told by entry. */
export async function bulkReplay(
  deps: Deps,
  caller: Caller,
  ids: string[],
  idempotencyKey?: string,
): Promise<BulkReplayed> {
  const key = keyOfEach(idempotencyKey);
  const { attempt, assertAny } = attempting(deps);
  const results = await pMap(
    [...new Set(ids)],
    async (original_run_id) => {
      const retried = await attempt(() => replay(deps, caller, original_run_id, key));
      if (!("error" in retried)) return { original_run_id, new_run_id: retried.value, status: "replayed" as const };
      return { original_run_id, status: "failed" as const, error: retried.error };
    },
    { concurrency: CONCURRENCY },
  );
  const done = counted(results);
  assertAny(done.replayed);
  return done;
}

/** What a bulk replay would do to each run, each by itself. */
export async function previewBulkReplay(deps: Deps, caller: Caller, ids: string[]): Promise<BulkReplayPlan> {
  const { attempt } = attempting(deps);
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

/** A retry that is refused in the words of the bulk verb. The same key leads to the same new run. */
export async function replay(
  deps: Deps,
  caller: Caller,
  runId: string,
  key: string | undefined,
  version?: VersionPolicy,
): Promise<string> {
  const command = { verb: "replay", run: runId, actor: caller.actor };
  const started = await logged(deps, command, async () =>
    startRetry(deps, caller, await replayed(deps, caller, runId), { version }, key),
  );
  return started.id;
}

export async function replayed(deps: Deps, caller: Caller, runId: string): Promise<RunRow> {
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
