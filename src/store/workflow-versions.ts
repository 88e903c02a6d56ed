import type { VersionPolicy } from "../contract/workflows.ts";
import { type Columns, present } from "./columns.ts";
import type { Db } from "./pool.ts";
import { findVersion, type StoredVersion, type StoredWorkflow } from "./workflows.ts";

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
  return rows.map((row) => present<ListedVersion>(row));
}

/** The version that a policy allows to what was stored, or began, with the version `from`. Without one it is the newest. */
export async function versionUnder(
  db: Db,
  policy: VersionPolicy,
  workflow: StoredWorkflow,
  from: string | undefined,
): Promise<StoredVersion | undefined> {
  if (from === undefined || policy === "latest") return findVersion(db, workflow.version_id);
  return findVersion(db, policy === "pin" ? from : await lastCompatible(db, workflow.id, from));
}

/** The last version after `from` without one in between, or itself, that is not backwards compatible. */
async function lastCompatible(db: Db, workflowId: string, from: string): Promise<string> {
  const { rows } = await db.query<{ version_id: string }>(
    `with later as (
       select version_id, version, coalesce(backwards_compatible, false) as compatible
       from workflow_versions
       where workflow_id = $1 and version > (select version from workflow_versions where version_id = $2))
     select version_id from later
     where version < coalesce((select min(version) from later where not compatible), 2147483647)
     order by version desc limit 1`,
    [workflowId, from],
  );
  return rows[0]?.version_id ?? from;
}
