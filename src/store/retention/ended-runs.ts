import type { RunStatus } from "../../contract/runs.ts";
import type { Db } from "../postgres/pool.ts";

/** Of one project and one status. */
export interface RunGroup {
  project_id: string;
  status: RunStatus;
}

/** A place in the order in which runs were made. */
export interface Place {
  created_at: number;
  id: string;
}

/** The projects and statuses of which there are runs. Each is found by an entry of the index, not by looking at all of them. */
export async function listRunGroups(db: Db): Promise<RunGroup[]> {
  const { rows } = await db.query<RunGroup>(
    `with recursive found as (
       (select project_id, status from workflow_runs order by project_id, status limit 1)
       union all
       select next.project_id, next.status from found, lateral (
         select project_id, status from workflow_runs
         where (project_id, status) > (found.project_id, found.status) order by project_id, status limit 1) next
     )
     select project_id, status from found`,
  );
  return rows;
}

/** The newest run that is not among the `runs` newest of its group. */
export async function placeAfterNewest(
  db: Db,
  { project_id, status }: RunGroup,
  runs: number,
): Promise<Place | undefined> {
  const { rows } = await db.query<Place>(
    `select created_at, id from workflow_runs where project_id = $1 and status = $2
     order by created_at desc, id desc offset $3 limit 1`,
    [project_id, status, runs],
  );
  return rows[0];
}

/** What is due: runs that ended before a time, and those that were made up to a place. */
export interface Due {
  ended_before?: number;
  made_until?: Place;
  /** None that ended later is. */
  settled_before: number;
}

/**
 * The next runs after `after`, the oldest first, and whether each is due. A sub-workflow run is not: it goes with its parent,
 * unless that is gone already.
 */
export async function nextEnded(
  db: Db,
  { project_id, status }: RunGroup,
  { ended_before, made_until, settled_before }: Due,
  after: Place | undefined,
  limit: number,
): Promise<(Place & { is_due: boolean })[]> {
  const { rows } = await db.query<Place & { is_due: boolean }>(
    `select created_at, id,
       finished_at < epoch_ms($3)
         and (coalesce(finished_at < epoch_ms($4), false) or coalesce((created_at, id) <= (epoch_ms($5), $6::uuid), false))
         and coalesce((select false from workflow_runs parent where parent.id = run.parent_workflow_run_id limit 1), true) as is_due
     from workflow_runs run
     where project_id = $1 and status = $2 and created_at <= greatest(epoch_ms($4), epoch_ms($5))
       and (created_at, id) > (epoch_ms($7), $8::uuid)
     order by created_at, id limit $9`,
    [
      ...[project_id, status, settled_before, ended_before, made_until?.created_at, made_until?.id],
      ...[after?.created_at ?? 0, after?.id ?? LOWEST_ID, limit],
    ],
  );
  return rows;
}

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
