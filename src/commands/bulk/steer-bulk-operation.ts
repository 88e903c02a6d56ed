import { WorkflowNotFoundError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { type Accepted, accepted } from "../accepted.ts";
import { usedFor } from "../idempotency/bound-key.ts";
import { claimCommand } from "../idempotency/claim-key.ts";
import { logged } from "../command-log.ts";
import type { BulkOperation, BulkSteeringPlan } from "../../contract/bulk/operations.ts";
import type { Deps } from "../../deps.ts";
import { Problem, refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { maybeStored } from "../../outage.ts";
import { findOwnBulkOperation, getBulkOperation } from "../../queries/bulk-operations.ts";
import { findCommand } from "../../store/commands.ts";
import { writeBulkState } from "../../store/bulk-operations.ts";
import { now } from "../../time/clock.ts";
import { stored } from "../../temporal/in-time.ts";
import { askUntil } from "../../temporal/query-run.ts";
import { type BulkOutcome, bulkOutcomeQuery, bulkSignals } from "../../../workflows/bulk/messages.ts";
import { type BulkVerb, isBulkOver, steeredBulk } from "../../../workflows/bulk/status.ts";

export interface BulkSteering {
  operationId: string;
  verb: BulkVerb;
  reason?: string;
  idempotencyKey?: string;
}

/** A command to a bulk operation is sent as a signal; a query answers its outcome. */
export function steerBulkOperation(
  deps: Deps,
  caller: Caller,
  steering: BulkSteering,
): Promise<Accepted | BulkOperation> {
  const { verb, operationId: bulk_operation } = steering;
  return logged(deps, { verb, bulk_operation, actor: caller.actor }, () => steer(deps, caller, steering));
}

async function steer(
  deps: Deps,
  caller: Caller,
  { operationId, verb, reason, idempotencyKey }: BulkSteering,
): Promise<Accepted | BulkOperation> {
  const { db, log } = deps;
  const operation = await findOwnBulkOperation(deps, caller, operationId);
  const { status } = operation;
  const id = idempotencyKey ?? uuid();
  const answered = (outcome: BulkOutcome) => {
    assertApplied(outcome, verb);
    return getBulkOperation(deps, caller, operationId);
  };
  if (idempotencyKey !== undefined) {
    const { outcome } = await claimCommand<BulkOutcome>(deps, operation, id, { verb, body: { reason } });
    if (outcome) return answered(outcome);
  }
  if (isBulkOver(status)) throw refusal({ message: steeredBulk(status, verb).refused });
  try {
    const { temporal } = deps;
    const signal = { id, actor: caller.actor, reason };
    const send = () => temporal.workflow.getHandle(operationId).signal(bulkSignals[verb], signal);
    await stored(temporal, send, maybeStored(id));
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    // It ended this moment: maybe by this very command, which was sent twice at once.
    const heard = await findCommand<BulkOutcome>(db, operationId, id);
    if (heard) return answered(heard);
    return answered(await endedUnheard(deps, caller, { operationId, verb, reason, id }));
  }
  const reply = await askUntil(deps, operationId, () => true, bulkOutcomeQuery, id);
  if (!reply) return accepted(deps, { run_id: operationId, id, verb, actor: caller.actor });
  // The operation writes its state itself. Writing it here as well makes sure that the next read shows what this answer says.
  await writeBulkState(db, operationId, reply.state, [reply.outcome]).catch((error) =>
    log.warn({ error, operation: operationId }, "state of a bulk operation is behind"),
  );
  return answered(reply.outcome);
}

/**
 * It stores its end before it closes: where its row is open, Temporal has lost it, or ended it by hand. Then nothing of it goes on, and
 * an abort says so.
 */
async function endedUnheard(
  deps: Deps,
  caller: Caller,
  { operationId, verb, reason, id }: BulkSteering & { id: string },
): Promise<BulkOutcome> {
  const { status } = await findOwnBulkOperation(deps, caller, operationId);
  if (isBulkOver(status)) throw refusal({ message: steeredBulk(status, verb).refused });
  if (verb !== "abort") throw new Problem("conflict", "bulk operation is unknown to Temporal: abort ends it");
  const at = now();
  const outcome: BulkOutcome = { id, verb, actor: caller.actor, reason, at, status: "applied" };
  const state = { status: "aborted", finished_at: at, revision: Number.MAX_SAFE_INTEGER } as const;
  await writeBulkState(deps.db, operationId, state, [outcome]);
  return outcome;
}

/** What the verb would do to the operation as Postgres has it. */
export async function previewBulkSteering(
  deps: Deps,
  caller: Caller,
  operationId: string,
  verb: BulkVerb,
): Promise<BulkSteeringPlan> {
  const { id, status, progress } = await getBulkOperation(deps, caller, operationId);
  const steered = steeredBulk(status, verb);
  if (steered.refused !== undefined) throw refusal({ message: steered.refused });
  return { dry_run: true, id, status, status_after: steered.status, progress };
}

function assertApplied(outcome: BulkOutcome, verb: BulkVerb): void {
  if (outcome.verb !== verb) throw usedFor("for another command");
  if (outcome.status === "refused") throw refusal({ message: outcome.message });
}
