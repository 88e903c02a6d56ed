import { assertUsable } from "./check-job.ts";
import { asPlanned, slugTaken } from "./create-job.ts";
import { newVersionId } from "../definitions/version-id.ts";
import { now } from "../../time/clock.ts";
import type { Job, JobPlan, UpdateJobBody } from "../../contract/jobs/jobs.ts";
import { IGNORED, withoutIgnored } from "../../contract/without-effect.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findOwnJob } from "../../queries/jobs.ts";
import { replaceJob, type StoredJob } from "../../store/jobs.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import { presentJob } from "../../views/job.ts";

/** The job's next version. Runs that are open make their next call by it. */
export async function updateJob(deps: Deps, caller: Caller, id: string, body: UpdateJobBody): Promise<Job> {
  for (;;) {
    const job = await nextVersion(deps, caller, await findOwnJob(deps, caller, id), body);
    const done = await replaceJob(deps.db, job);
    if (done === "duplicate") throw slugTaken(job);
    if (done === "replaced") return presentJob(job);
    // Somebody else's change came first: this one is made on top of it.
  }
}

/** What would be stored. */
export async function previewUpdate(deps: Deps, caller: Caller, id: string, body: UpdateJobBody): Promise<JobPlan> {
  const live = await findOwnJob(deps, caller, id);
  const job = await nextVersion(deps, caller, live, body);
  if (job.slug !== live.slug && (await isSlugTaken(deps.db, "jobs", job))) throw slugTaken(job);
  return { dry_run: true, job: asPlanned(job) };
}

/** One that is as it is asked to be stays as it is. */
export async function setEnabled(deps: Deps, caller: Caller, id: string, enabled: boolean): Promise<Job> {
  const live = await findOwnJob(deps, caller, id);
  return live.enabled === enabled ? presentJob(live) : updateJob(deps, caller, id, { enabled });
}

export async function previewEnabled(deps: Deps, caller: Caller, id: string, enabled: boolean): Promise<JobPlan> {
  const live = await findOwnJob(deps, caller, id);
  return live.enabled === enabled
    ? { dry_run: true, job: asPlanned(live) }
    : previewUpdate(deps, caller, id, { enabled });
}

async function nextVersion(deps: Deps, caller: Caller, live: StoredJob, body: UpdateJobBody): Promise<StoredJob> {
  if (body.project_id !== undefined && projectOf(caller, body.project_id) !== live.project_id)
    throw new Problem("validation_error", "a job stays in its project", ["project_id: can't be changed"]);
  const job: StoredJob = {
    ...live,
    ...withoutIgnored(body, IGNORED.jobUpdate),
    version: live.version + 1,
    version_id: newVersionId(),
    updated_by: caller.actor,
    updated_at: now(),
  };
  await assertUsable(deps, { ...job, timezone: body.timezone }, live);
  return job;
}
