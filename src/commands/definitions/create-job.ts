import { v7 as uuid } from "uuid";
import { assertSupported } from "./assert-supported.ts";
import { newVersionId } from "./version-id.ts";
import { idempotent } from "../idempotency/idempotent.ts";
import type { CreateJobBody, Job, JobPlan } from "../../contract/jobs.ts";
import { IGNORED, UNSUPPORTED, withoutIgnored } from "../../contract/without-effect.ts";
import { now } from "../../timing/clock.ts";
import type { Deps } from "../../deps.ts";
import { invalid, Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import { endpointProblem } from "../../rules/endpoint-url.ts";
import { findJob, insertJob, type StoredJob } from "../../store/jobs.ts";
import { isSlugTaken } from "../../store/slugs.ts";
import { presentJob } from "../../views/job.ts";

export async function createJob(
  deps: Deps,
  caller: Caller,
  body: CreateJobBody,
  idempotencyKey?: string,
): Promise<Job> {
  const job = jobOf(deps, caller, body);
  const asked = { projectId: job.project_id, operation: "create job", body, idempotencyKey };
  const stored = await idempotent(deps, asked, findJob, async (id) => {
    const made = { ...job, id };
    if ((await insertJob(deps.db, made)) === "inserted") return made;
    // The same request may have been faster.
    const theirs = await findJob(deps.db, id);
    if (!theirs) throw slugTaken(job);
    return theirs;
  });
  return presentJob(stored);
}

/** What would be stored. */
export async function previewJob(deps: Deps, caller: Caller, body: CreateJobBody): Promise<JobPlan> {
  const stored = jobOf(deps, caller, body);
  if (await isSlugTaken(deps.db, "jobs", stored)) throw slugTaken(stored);
  const { id, version_id, created_at, updated_at, ...job } = presentJob(stored);
  return { dry_run: true, job };
}

function jobOf({ config }: Deps, caller: Caller, body: CreateJobBody): StoredJob {
  const project_id = projectOf(caller, body.project_id);
  assertEndpoint("endpoint_url", body.endpoint_url, config.allowPrivateEndpoints);
  if (body.fallback_endpoint_url)
    assertEndpoint("fallback_endpoint_url", body.fallback_endpoint_url, config.allowPrivateEndpoints);
  if (body.cron && !isCron(body.cron)) throw invalid("cron", "invalid cron expression");
  if (body.cron && body.timezone && !isTimeZone(body.timezone)) throw invalid("timezone", "invalid timezone");
  assertSupported(body, UNSUPPORTED.job);

  const at = now();
  return {
    ...withoutIgnored(body, IGNORED.job),
    id: uuid(),
    project_id,
    tags: body.tags ?? {},
    enabled: true,
    slow: false,
    version: 1,
    version_id: newVersionId(),
    created_by: caller.actor,
    updated_by: caller.actor,
    created_at: at,
    updated_at: at,
  };
}

const slugTaken = ({ slug }: StoredJob) =>
  new Problem("conflict", `job with slug "${slug}" already exists: job slug conflict`, ["slug: taken"]);

function assertEndpoint(field: string, url: string, allowPrivate: boolean): void {
  const problem = endpointProblem(url, allowPrivate);
  if (problem) throw invalid(field, `invalid ${field}: ${problem}`);
}
