import { createJob, previewJob } from "./create-job.ts";
import { eachItem } from "./each-item.ts";
import type { CreateJobBody, JobBatch, JobBatchPlan } from "../../contract/jobs/jobs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";

/** Each as a single creation would be: one bad item spoils nothing. In order, so that of two with one slug the first is made. */
export const createJobs = (
  deps: Deps,
  caller: Caller,
  items: (CreateJobBody | Problem)[],
  idempotencyKey?: string,
): Promise<JobBatch> =>
  batch(items, (body, index) => createJob(deps, caller, body, idempotencyKey && `${idempotencyKey}/${index}`));

export async function previewJobs(
  deps: Deps,
  caller: Caller,
  items: (CreateJobBody | Problem)[],
): Promise<JobBatchPlan> {
  const slugs = new Set<string>();
  const planned = await batch(items, async (body) => {
    const { job } = await previewJob(deps, caller, body);
    const slug = `${job.project_id} ${job.slug}`;
    if (slugs.has(slug)) throw new Problem("conflict", `slug "${job.slug}" is named twice`, ["slug: taken"]);
    slugs.add(slug);
    return job;
  });
  return { dry_run: true, ...planned };
}

async function batch<Made>(
  items: (CreateJobBody | Problem)[],
  make: (body: CreateJobBody, index: number) => Promise<Made>,
) {
  const results = await eachItem(items, 1, async (body, index) => ({
    status: "created" as const,
    job: await make(body, index),
  }));
  const created = results.filter(({ status }) => status === "created").length;
  return { created, failed: results.length - created, results };
}
