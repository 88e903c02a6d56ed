import { answered, jobRun as jobRunShape, triggered } from "../shapes.ts";
import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { Triggered } from "../../../src/contract/jobs/trigger.ts";
import type { JobRun, JobRunStatus } from "../../../src/contract/jobs/runs.ts";
import type { RequestOptions, Stack } from "../../stack/harness.ts";
import { until } from "../../stack/until.ts";

export const triggerWith = (stack: Stack, job: Job, body?: unknown, options?: RequestOptions, query = "") =>
  stack.request("POST", `/v1/jobs/${job.id}/trigger${query}`, body, options);

export const triggerJob = async (stack: Stack, job: Job, body?: unknown): Promise<Triggered> =>
  answered(await triggerWith(stack, job, body), 201, triggered);

export const readRun = async (stack: Stack, { id }: { id: string }): Promise<JobRun> =>
  answered(await stack.request("GET", `/v1/runs/${id}`), 200, jobRunShape);

/** The job run once it has this status. */
export const runEnds = (stack: Stack, run: { id: string }, status: JobRunStatus): Promise<JobRun> =>
  until(async () => {
    const now = await readRun(stack, run);
    return now.status === status && now;
  });

/** The ids of a list of job runs. */
export const listRuns = async (stack: Stack, query: string): Promise<string[]> =>
  answered(await stack.request("GET", `/v1/runs${query}`), 200, jobRunShape.array()).map(({ id }) => id);
