import { v7 as uuid } from "uuid";
import { assertUsable } from "./check-job.ts";
import { idempotent, type KeyedRequest } from "../idempotency/idempotent.ts";
import { newVersionId } from "../definitions/version-id.ts";
import type { CreateJobBody, Job, JobPlan } from "../../contract/jobs/jobs.ts";
import { IGNORED, withoutIgnored } from "../../contract/without-effect.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { findJob, insertJob, type StoredJob } from "../../store/jobs.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import { presentJob } from "../../views/job.ts";

export async function createJob(
  deps: Deps,
  caller: Caller,
  body: CreateJobBody,
  idempotencyKey?: string,
): Promise<Job> {
  const project_id = projectOf(caller, body.project_id);
  const asked = { projectId: project_id, operation: "create job", body, idempotencyKey };
  return storeJob(deps, asked, () => jobOf(deps, caller, body));
}

/** What would be stored. */
export async function previewJob(deps: Deps, caller: Caller, body: CreateJobBody): Promise<JobPlan> {
  return planOfJob(deps, await jobOf(deps, caller, body));
}

/** Stores the job, or finds what the same request has stored before. */
export async function storeJob(deps: Deps, asked: KeyedRequest, checked: () => Promise<StoredJob>): Promise<Job> {
  const stored = await idempotent(deps, { makes: "job", ...asked }, findJob, async () => {
    const job = await checked();
    return async (id) => {
      const made = { ...job, id };
      if ((await insertJob(deps.db, made)) === "inserted") return made;
      // The same request may have been faster.
      const theirs = await findJob(deps.db, id);
      if (!theirs) throw slugTaken(job);
      return theirs;
    };
  });
  return presentJob(stored);
}

export async function planOfJob({ db }: Deps, stored: StoredJob): Promise<JobPlan> {
  if (await isSlugTaken(db, "jobs", stored)) throw slugTaken(stored);
  return { dry_run: true, job: asPlanned(stored) };
}

/** Without what is only known of a job that is stored. */
export function asPlanned(stored: StoredJob): JobPlan["job"] {
  const { id, version_id, created_at, updated_at, ...job } = presentJob(stored);
  return job;
}

async function jobOf(deps: Deps, caller: Caller, body: CreateJobBody): Promise<StoredJob> {
  const project_id = projectOf(caller, body.project_id);
  const said = { ...withoutIgnored(body, IGNORED.job), project_id, enabled: true };
  const job = firstVersion(caller, said);
  // What is said of a field without meaning is looked at all the same.
  await assertUsable(deps, { ...job, timezone: body.timezone });
  return job;
}

/** A job that begins, as it is told. */
export function firstVersion(
  { actor }: Caller,
  said: Omit<StoredJob, "id" | "version" | "version_id" | "slow" | `${"created" | "updated"}_${"by" | "at"}`>,
): StoredJob {
  const at = now();
  return {
    ...said,
    id: uuid(),
    tags: said.tags ?? {},
    slow: false,
    version: 1,
    version_id: newVersionId(),
    created_by: actor,
    updated_by: actor,
    created_at: at,
    updated_at: at,
  };
}

export const slugTaken = ({ slug }: Pick<StoredJob, "slug">) =>
  new Problem("conflict", `job with slug "${slug}" already exists: job slug conflict`, ["slug: taken"]);
