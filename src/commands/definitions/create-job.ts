import { v7 as uuid } from "uuid";
import { newVersionId } from "./version-id.ts";
import type { CreateJobBody, Job } from "../../contract/jobs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { isCron, isTimeZone } from "../../rules/cron.ts";
import { endpointProblem } from "../../rules/endpoint-url.ts";
import { insertJob, type StoredJob } from "../../store/jobs.ts";
import { presentJob } from "../../views/job.ts";

export async function createJob({ db, config }: Deps, caller: Caller, body: CreateJobBody): Promise<Job> {
  const project_id = projectOf(caller, body.project_id);
  assertEndpoint("endpoint_url", body.endpoint_url, config.allowPrivateEndpoints);
  if (body.fallback_endpoint_url)
    assertEndpoint("fallback_endpoint_url", body.fallback_endpoint_url, config.allowPrivateEndpoints);
  if (body.cron && !isCron(body.cron)) throw invalid("cron", "invalid cron expression");
  if (body.cron && body.timezone && !isTimeZone(body.timezone)) throw invalid("timezone", "invalid timezone");

  const now = Date.now();
  const job: StoredJob = {
    ...body,
    id: uuid(),
    project_id,
    tags: body.tags ?? {},
    enabled: true,
    slow: false,
    version: 1,
    version_id: newVersionId(),
    created_by: caller.actor,
    updated_by: caller.actor,
    created_at: now,
    updated_at: now,
  };
  if ((await insertJob(db, job)) === "duplicate") {
    throw new Problem("conflict", `job with slug "${job.slug}" already exists: job slug conflict`, ["slug: taken"]);
  }
  return presentJob(job);
}

function assertEndpoint(field: string, url: string, allowPrivate: boolean): void {
  const problem = endpointProblem(url, allowPrivate);
  if (problem) throw invalid(field, `invalid ${field}: ${problem}`);
}

const invalid = (field: string, message: string) => new Problem("validation_error", message, [`${field}: ${message}`]);
