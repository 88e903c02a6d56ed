import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnJob } from "../../queries/jobs.ts";
import { hasActiveRuns, workflowsThatCall } from "../../store/job-uses.ts";
import { deleteJob as deleteRow, type StoredJob } from "../../store/jobs.ts";
import { presentJob } from "../../views/job.ts";
import type { Job } from "../../contract/jobs.ts";

/** Nothing may call it any more. What it did is still to be read. */
export async function deleteJob(deps: Deps, caller: Caller, id: string): Promise<void> {
  const job = await deletable(deps, caller, id);
  await deleteRow(deps.db, job.id);
}

export async function previewDelete(deps: Deps, caller: Caller, id: string): Promise<{ dry_run: true; job: Job }> {
  return { dry_run: true, job: presentJob(await deletable(deps, caller, id)) };
}

async function deletable(deps: Deps, caller: Caller, id: string): Promise<StoredJob> {
  const job = await findOwnJob(deps, caller, id);
  const workflows = await workflowsThatCall(deps.db, job.project_id, job.id);
  if (workflows.length > 0)
    throw new Problem(
      "conflict",
      "job is used by a workflow step: change or delete the workflow first",
      workflows.map((slug) => `workflow "${slug}" uses it`),
    );
  if (await hasActiveRuns(deps.db, job.project_id, job.id))
    throw new Problem("conflict", "job has active runs — cancel them first or wait for completion");
  return job;
}
