import { findJob, type StoredJob } from "../src/store/jobs.ts";
import type { Db } from "../src/store/pool.ts";

/** A changed job counts for calls after this. */
const KEPT_MS = 1_000;

export type FindJob = (id: string) => Promise<StoredJob | undefined>;

/** Jobs as they were a moment ago at most: the steps of busy runs call the same few again and again. */
export function recentJobs(db: Db): FindJob {
  const found = new Map<string, Promise<StoredJob | undefined>>();
  return (id) => {
    const known = found.get(id);
    if (known) return known;
    const asked = findJob(db, id);
    found.set(id, asked);
    setTimeout(() => found.delete(id), KEPT_MS).unref();
    return asked;
  };
}
