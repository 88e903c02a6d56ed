import { copyNames } from "../definitions/copy-names.ts";
import { firstVersion, planOfJob, storeJob } from "./create-job.ts";
import type { CloneJobBody, Job, JobPlan } from "../../contract/jobs/jobs.ts";
import type { Deps } from "../../deps.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findOwnJob } from "../../queries/jobs.ts";
import type { StoredJob } from "../../store/jobs.ts";

/** A job of its own that is like this one. */
export async function cloneJob(
  deps: Deps,
  caller: Caller,
  id: string,
  body: CloneJobBody,
  idempotencyKey?: string,
): Promise<Job> {
  const job = await cloned(deps, caller, id, body);
  // By what was asked for: the job itself may have been changed since.
  const asked = { projectId: job.project_id, operation: "clone job", body: { ...body, job_id: id }, idempotencyKey };
  return storeJob(deps, asked, async () => job);
}

/** What would be stored. */
export async function previewClone(deps: Deps, caller: Caller, id: string, body: CloneJobBody): Promise<JobPlan> {
  return planOfJob(deps, await cloned(deps, caller, id, body));
}

async function cloned(deps: Deps, caller: Caller, id: string, body: CloneJobBody): Promise<StoredJob> {
  const source = await findOwnJob(deps, caller, id);
  const { name, slug } = { ...copyNames(source), ...body };
  const project_id = body.project_id === undefined ? source.project_id : projectOf(caller, body.project_id);
  return firstVersion(caller, { ...source, name, slug, project_id });
}
