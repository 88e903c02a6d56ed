import { LRUCache } from "lru-cache";
import { parseJson } from "../contract/json.ts";
import { slowAmong } from "./jobs.ts";
import { type Columns, withoutNulls } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import { cachedFor } from "../time/cached-for.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";

/** A step of a definition. A payload too long to travel inline is a row of `documents`. */
export type StoredStep = PlanStep & { workflow_id: string; created_at: number; job?: string; workflow?: string };

/** The version that a run is pinned to. It never changes. */
export interface StoredVersion {
  version_id: string;
  workflow_id: string;
  version: number;
  project_id: string;
  name: string;
  slug: string;
  description?: string;
  enabled: boolean;
  timeout_secs: number;
  max_concurrent_runs: number;
  max_parallel_steps: number;
  cron?: string;
  cron_timezone?: string;
  skip_if_running: boolean;
  backwards_compatible?: boolean;
  created_by?: string;
  updated_by?: string;
  created_at: number;
  steps: StoredStep[];
}

/** Of all together, in characters of their steps' JSON: each takes two to five bytes. */
const MOST_KEPT = 16_000_000;

/** Versions never change, so what was read is kept. Who gets one must not change it. */
const versions = new LRUCache<string, StoredVersion>({ max: 500, maxSize: MOST_KEPT });

export async function findVersion(db: Db, versionId: string): Promise<StoredVersion | undefined> {
  const kept = versions.get(versionId);
  if (kept) return kept;
  const { rows } = await db.query<Columns<Omit<StoredVersion, "steps">> & { steps: string }>({
    name: "find_version",
    text: "select * from workflow_versions where version_id = $1",
    values: [versionId],
  });
  const [row] = rows;
  if (!row) return undefined;
  const version = withoutNulls<StoredVersion>({ ...row, steps: parseJson(row.steps) as unknown as StoredStep[] });
  versions.set(versionId, version, { size: row.steps.length });
  return version;
}

/** None of a version that is not there. */
export const stepsOfVersion = async (db: Db, versionId: string): Promise<StoredStep[]> =>
  (await findVersion(db, versionId))?.steps ?? [];

/** A version as a list has it. */
export type ListedVersion = Omit<StoredVersion, "steps">;

/** Those before the version number `before` (0: all), the newest first. */
export async function listVersions(
  db: Db,
  workflowId: string,
  { before, limit }: { before: number; limit: number },
): Promise<ListedVersion[]> {
  const { rows } = await db.query<Columns<ListedVersion>>(
    `select
       version_id, workflow_id, version, project_id, name, slug, description, enabled, timeout_secs, max_concurrent_runs,
       max_parallel_steps, cron, cron_timezone, skip_if_running, backwards_compatible, created_by, updated_by, created_at
     from workflow_versions
     where workflow_id = $1 and ($2 = 0 or version < $2)
     order by version desc limit $3`,
    [workflowId, before, limit],
  );
  return rows.map((row) => withoutNulls<ListedVersion>(row));
}

/** A version's steps as a run carries them. */
export function planSteps(version: StoredVersion): PlanStep[] {
  return version.steps.map(({ workflow_id, created_at, job, workflow, ...step }) => step);
}

/** Which jobs of a version were slow in their last call. */
export const slowJobsOf = cachedFor(1_000, async (db: Db, versionId: string): Promise<string[]> => {
  const version = await findVersion(db, versionId);
  const ids = version?.steps.flatMap(({ job_id }) => job_id ?? []) ?? [];
  return ids.length > 0 ? slowAmong(db, [...new Set(ids)]) : [];
});
