import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnJob } from "../../queries/jobs.ts";
import { noteDeleted } from "../../store/idempotency-keys.ts";
import { hasActiveRuns, workflowsThatCall } from "../../store/job-uses.ts";
import { deleteJob as deleteRow, lockJob, type StoredJob } from "../../store/jobs.ts";
import type { Db } from "../../store/postgres/pool.ts";
import { inTransaction } from "../../store/postgres/transaction.ts";
import { presentJob } from "../../views/job.ts";
import type { JobDeletionPlan } from "../../contract/jobs/jobs.ts";

/** Nothing may call it any more. What it did is still to be read. */
export async function deleteJob(deps: Deps, caller: Caller, id: string): Promise<void> {
  const job = await findOwnJob(deps, caller, id);
  await inTransaction(deps.db, async (transaction) => {
    await lockJob(transaction, job.id);
    await assertUnused(transaction, job);
    await deleteRow(transaction, job.id);
    await noteDeleted(transaction, job.id);
  });
}

export async function previewDelete(deps: Deps, caller: Caller, id: string): Promise<JobDeletionPlan> {
  const job = await findOwnJob(deps, caller, id);
  await assertUnused(deps.db, job);
  return { dry_run: true, job: presentJob(job) };
}

async function assertUnused(db: Db, { id, project_id }: StoredJob): Promise<void> {
  const workflows = await workflowsThatCall(db, project_id, id);
  if (workflows.length > 0)
    throw new Problem(
      "conflict",
      "job is used by a workflow step: change or delete the workflow first",
      workflows.map((slug) => `workflow "${slug}" uses it`),
    );
  if (await hasActiveRuns(db, project_id, id))
    throw new Problem("conflict", "job has active runs — cancel them first or wait for completion");
}
