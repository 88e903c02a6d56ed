import type { Job } from "../contract/jobs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import { cursorOf, type Page, pageOf } from "./page.ts";
import type { DefinitionFilter } from "./workflows.ts";
import { findJob, listJobs as listRows } from "../store/jobs.ts";
import { presentJob } from "../views/job.ts";

const NOT_FOUND = "job not found";

export async function getJob({ db }: Deps, caller: Caller, id: string): Promise<Job> {
  const job = await findJob(db, id);
  if (!job) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, job.project_id, NOT_FOUND);
  return presentJob(job);
}

export const listJobs = ({ db }: Deps, project_id: string, filter: DefinitionFilter): Promise<Page<Job>> =>
  pageOf(filter.limit, (limit) => listRows(db, { ...filter, project_id, limit }), presentJob, cursorOf);
