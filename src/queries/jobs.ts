import type { Cursor } from "../contract/cursor.ts";
import type { Job } from "../contract/jobs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { assertProject, type Caller } from "../identity/caller.ts";
import type { DefinitionFilter } from "./workflows.ts";
import { findJob, listJobs as listJobRows } from "../store/jobs.ts";
import { presentJob } from "../views/job.ts";

const NOT_FOUND = "job not found";

export async function getJob({ db }: Deps, caller: Caller, id: string): Promise<Job> {
  const job = await findJob(db, id);
  if (!job) throw new Problem("not_found", NOT_FOUND);
  assertProject(caller, job.project_id, NOT_FOUND);
  return presentJob(job);
}

export async function listJobs(
  { db }: Deps,
  projectId: string,
  filter: DefinitionFilter,
): Promise<{ items: Job[]; next?: Cursor }> {
  const { tag_key: tagKey, tag_value: tagValue, cursor, limit } = filter;
  const rows = await listJobRows(db, { projectId, tagKey, tagValue, cursor, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(presentJob),
    next: rows.length > limit && last ? { at: last.created_at, id: last.id } : undefined,
  };
}
