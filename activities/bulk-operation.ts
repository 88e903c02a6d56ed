import { ApplicationFailure, Context } from "@temporalio/activity";
import { setTimeout as sleep } from "node:timers/promises";
import pMap from "p-map";
import { actOnRun } from "../src/commands/bulk/act-on-run.ts";
import { tellSettled } from "../src/commands/command-log.ts";
import { CONCURRENCY } from "../src/commands/bulk/each-run.ts";
import type { Deps } from "../src/deps.ts";
import type { Scope } from "../src/identity/caller.ts";
import { type BulkItemOutcome, listBulkItems, settleBulkItems } from "../src/store/bulk-operation-items.ts";
import {
  bulkCommandId,
  findBulkOperation,
  type StoredBulkOperation,
  writeBulkState,
} from "../src/store/bulk-operations.ts";
import type { Activities } from "../workflows/activity-types.ts";

/** The runs of a chunk, and the seconds that it takes at a slow rate. A pause or an abort may take as long to have an effect. */
const CHUNK = 100;
const CHUNK_SECS = 2;
/** Of a chunk, while the outcome of a request to Temporal for one of its runs is not known. */
const MOST_TRIES = 8;
const HEARTBEAT_MS = 1_000;
/** How long an operation may run without its row: the API starts it before the row can be seen. */
const NOT_STORED_MS = 60_000;

export function settleBulkChunk(deps: Deps): Activities["settleBulkChunk"] {
  return async ({ operation_id }) => {
    const context = Context.current();
    const heartbeat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
    try {
      await settleNext(deps, await stored(deps, operation_id), context);
      const { total, applied, skipped, failed } = await stored(deps, operation_id);
      return { pending: total - applied - skipped - failed, applied, skipped, failed };
    } finally {
      clearInterval(heartbeat);
    }
  };
}

export function storeBulkState(deps: Deps): Activities["storeBulkState"] {
  const { db, log } = deps;
  return async ({ operation_id, state, commands }) => {
    const settled = await writeBulkState(db, operation_id, state, commands);
    for (const outcome of settled)
      if (outcome.status === "applied") tellSettled(log, { bulk_operation: operation_id }, outcome);
    if (state.finished_at === undefined) return;
    const {
      project_id: project,
      operation,
      status,
      total,
      applied,
      skipped,
      failed,
    } = await stored(deps, operation_id);
    const counts = { total, applied, skipped, failed };
    log.info({ bulk_operation: operation_id, project, operation, status, ...counts }, "bulk operation ended");
  };
}

async function stored({ db }: Deps, id: string): Promise<StoredBulkOperation> {
  const operation = await findBulkOperation(db, id);
  if (operation) return operation;
  const since = Date.now() - Context.current().info.scheduledTimestampMs;
  throw ApplicationFailure.create({
    message: `bulk operation ${id} is not stored`,
    nonRetryable: since > NOT_STORED_MS,
  });
}

/** Stores the outcomes of the chunk together. After an outage it stores those that are there and fails, and its retry goes on with the others. */
async function settleNext(deps: Deps, operation: StoredBulkOperation, context: Context): Promise<void> {
  const { id, max_per_second } = operation;
  const gapMs = max_per_second === undefined ? 0 : 1000 / max_per_second;
  const limit = max_per_second === undefined ? CHUNK : Math.min(max_per_second * CHUNK_SECS, CHUNK);
  const items = await listBulkItems(deps.db, id, { status: "pending", limit });
  const scopes: Scope[] = operation.may_override ? ["approvals:override"] : [];
  const caller = { actor: operation.created_by, projects: [operation.project_id], scopes, groups: operation.groups };
  const action = {
    operationId: id,
    operation: operation.operation,
    stepRef: operation.step_ref,
    since: operation.created_at,
    commandId: bulkCommandId(id),
    repeated: context.info.attempt > 1,
    // It is the server that counts: while it is away, there are no more of them.
    isLastTry: context.info.attempt >= MOST_TRIES,
    reason: operation.reason,
    version: operation.version,
  };
  const outages: unknown[] = [];
  const start = Date.now();
  const turn = (nth: number) => sleep(Math.max(0, start + nth * gapMs - Date.now()));
  const outcomes = await pMap(
    items,
    async ({ position, run_id }, nth): Promise<BulkItemOutcome[]> => {
      await turn(nth);
      if (context.cancellationSignal.aborted || outages.length > 0) return [];
      try {
        return [{ position, ...(await actOnRun(deps, caller, run_id, action)) }];
      } catch (error) {
        outages.push(error);
        return [];
      }
    },
    { concurrency: CONCURRENCY },
  );
  await settleBulkItems(deps.db, id, outcomes.flat());
  if (outages.length > 0) throw outages[0];
  // The next chunk begins when its first run may.
  await turn(items.length);
}
