import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Db } from "../postgres/pool.ts";
import { findVersion, type StoredVersion } from "../workflow-versions.ts";
import type { StoredWorkflow } from "../workflows.ts";

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
