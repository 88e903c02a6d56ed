import type { DeletionPlan } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnWorkflow } from "../../queries/workflows.ts";
import { noteDeleted } from "../../store/idempotency-keys.ts";
import { hasOpenRuns } from "../../store/run-lists/open-runs.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { deleteWorkflow as deleteStored, lockWorkflow } from "../../store/workflows.ts";
import { presentWorkflow } from "../../views/workflow.ts";

/** The definition goes, and its slug is free. Its runs stay, and its versions, to which they are pinned. */
export async function deleteWorkflow(deps: Deps, caller: Caller, workflowId: string): Promise<void> {
  await findOwnWorkflow(deps, caller, workflowId);
  await inTransaction(deps.db, async (db) => {
    // Who starts a run of it holds it until the run is stored.
    await lockWorkflow(db, workflowId);
    await assertNoOpenRuns(db, workflowId);
    await deleteStored(db, workflowId);
    await noteDeleted(db, workflowId);
  });
}

/** What would be deleted. */
export async function previewDeletion(deps: Deps, caller: Caller, workflowId: string): Promise<DeletionPlan> {
  const workflow = await findOwnWorkflow(deps, caller, workflowId);
  await assertNoOpenRuns(deps.db, workflowId);
  return { dry_run: true, workflow: presentWorkflow(workflow) };
}

async function assertNoOpenRuns(db: Db, workflowId: string): Promise<void> {
  if (await hasOpenRuns(db, workflowId)) throw new Problem("conflict", "workflow has active runs");
}
