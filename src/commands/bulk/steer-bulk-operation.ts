import { WorkflowNotFoundError } from "@temporalio/client";
import { v7 as uuid } from "uuid";
import { type Accepted, accepted } from "../accepted.ts";
import { usedFor } from "../idempotency/bound-key.ts";
import { claimCommand } from "../idempotency/claim-key.ts";
import type { BulkOperation, BulkSteeringPlan } from "../../contract/bulk/operations.ts";
import type { Deps } from "../../deps.ts";
import { refusal } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnBulkOperation, getBulkOperation } from "../../queries/bulk-operations.ts";
import { writeBulkState } from "../../store/bulk-operations.ts";
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
export async function steerBulkOperation(
  deps: Deps,
  caller: Caller,
  { operationId, verb, reason, idempotencyKey }: BulkSteering,
): Promise<Accepted | BulkOperation> {
  const { db, log } = deps;
  const operation = await findOwnBulkOperation(deps, caller, operationId);
  const { status } = operation;
  const id = idempotencyKey ?? uuid();
  if (idempotencyKey !== undefined) {
    const { outcome } = await claimCommand<BulkOutcome>(deps, operation, id, { verb, body: { reason } });
    if (outcome) {
      assertApplied(outcome, verb);
      return getBulkOperation(deps, caller, operationId);
    }
  }
  if (isBulkOver(status)) throw refusal({ message: steeredBulk(status, verb).refused });
  try {
    const signal = { id, actor: caller.actor, reason };
    await deps.temporal.workflow.getHandle(operationId).signal(bulkSignals[verb], signal);
  } catch (error) {
    // It ended this moment.
    if (error instanceof WorkflowNotFoundError) throw refusal({ message: steeredBulk("completed", verb).refused });
    throw error;
  }
  const reply = await askUntil(deps, operationId, () => true, bulkOutcomeQuery, id);
  if (!reply) return accepted(deps, { run_id: operationId, id, verb, actor: caller.actor });
  // The operation writes its state itself. Writing it here as well makes sure that the next read shows what this answer says.
  await writeBulkState(db, operationId, reply.state, [reply.outcome]).catch((error) =>
    log.warn({ error, operation: operationId }, "state of a bulk operation is behind"),
  );
  assertApplied(reply.outcome, verb);
  return getBulkOperation(deps, caller, operationId);
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
