import type { Job } from "../../../src/contract/jobs/jobs.ts";
import type { Stack } from "../../stack/harness.ts";
import { job as jobShape } from "../definition-shapes.ts";
import { ok } from "../definitions.ts";
import { answered } from "../shapes.ts";

/** What a test does with the definitions of jobs, on a stack that is made later. */
export function jobsOn(stack: () => Stack) {
  const change = (job: { id: string }, body: unknown, query = "") =>
    stack().request("PATCH", `/v1/jobs/${job.id}${query}`, body);
  return {
    change,
    changed: async (job: { id: string }, body: unknown) => answered(await change(job, body), 200, jobShape),
    post: (path: string, body?: unknown) => stack().request("POST", `/v1/jobs/${path}`, body),
    get: (job: { id: string }) => ok<Job>(stack(), "GET", `/v1/jobs/${job.id}`),
  };
}
