import pg from "pg";
import { stringifyJson } from "../contract/json.ts";
import type { VersionPolicy } from "../contract/workflows.ts";
import { type Columns, isUuid, withoutNulls } from "./postgres/columns.ts";
import { type ListRequest, listParameters } from "./postgres/list-request.ts";
import type { Db } from "./postgres/pool.ts";
import type { StoredStep } from "./workflow-versions.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** A workflow's live definition, without its steps. Times are epoch milliseconds; members without a value are absent. */
export interface StoredWorkflow {
  id: string;
  project_id: string;
  name: string;
  slug: string;
  description?: string;
  tags: Record<string, string>;
  enabled: boolean;
  timeout_secs: number;
  max_concurrent_runs: number;
  max_parallel_steps: number;
  cron?: string;
  cron_timezone?: string;
  skip_if_running: boolean;
  version: number;
  version_id: string;
  version_policy: VersionPolicy;
  backwards_compatible?: boolean;
  created_by?: string;
  updated_by?: string;
  created_at: number;
  updated_at: number;
}

interface Definition {
  workflow: StoredWorkflow;
  steps: StoredStep[];
}

/** Stores the workflow and its first version together. "duplicate": it is stored already, or the project has another with this slug. */
export async function insertWorkflow(db: Db, definition: Definition): Promise<"inserted" | "duplicate"> {
  const insert = `
    insert into workflows select * from json_populate_record(null::workflows, $1::json)
    on conflict do nothing`;
  return (await storeVersion(db, insert, definition)) ? "inserted" : "duplicate";
}

/** Stores what a workflow has become, as its next version. To be done under its lock. */
export async function updateWorkflow(db: Db, definition: Definition): Promise<"updated" | "duplicate"> {
  const columns = `
    name, slug, description, tags, enabled, timeout_secs, max_concurrent_runs, max_parallel_steps, cron, cron_timezone,
    skip_if_running, version, version_id, version_policy, backwards_compatible, updated_by, updated_at`;
  const update = `
    update workflows set (${columns}) = (select ${columns} from json_populate_record(null::workflows, $1::json))
    where id = ($1::json->>'id')::uuid`;
  try {
    await storeVersion(db, update, definition);
    return "updated";
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.constraint === "workflows_slug") return "duplicate";
    throw error;
  }
}

async function storeVersion(db: Db, change: string, { workflow, steps }: Definition): Promise<boolean> {
  const record = {
    ...workflow,
    created_at: rfc3339(workflow.created_at),
    updated_at: rfc3339(workflow.updated_at),
  };
  const { rowCount } = await db.query(
    `with changed as (${change} returning *)
     insert into workflow_versions (
       version_id, workflow_id, version, project_id, name, slug, description, enabled, timeout_secs, max_concurrent_runs,
       max_parallel_steps, cron, cron_timezone, skip_if_running, backwards_compatible, created_by, updated_by, created_at,
       steps)
     select
       version_id, id, version, project_id, name, slug, description, enabled, timeout_secs, max_concurrent_runs,
       max_parallel_steps, cron, cron_timezone, skip_if_running, backwards_compatible, created_by, updated_by, updated_at,
       $2::json
     from changed`,
    [stringifyJson(record), stringifyJson(steps)],
  );
  return rowCount === 1;
}

/** Its versions stay: runs are pinned to them. */
export async function deleteWorkflow(db: Db, id: string): Promise<void> {
  await db.query("delete from workflows where id = $1", [id]);
}

export async function findWorkflow(db: Db, id: string): Promise<StoredWorkflow | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<Columns<StoredWorkflow>>({
    name: "find_workflow",
    text: "select * from workflows where id = $1",
    values: [id],
  });
  return rows[0] && withoutNulls<StoredWorkflow>(rows[0]);
}

export async function findWorkflowBySlug(db: Db, projectId: string, slug: string): Promise<StoredWorkflow | undefined> {
  const { rows } = await db.query<Columns<StoredWorkflow>>(
    "select * from workflows where project_id = $1 and slug = $2",
    [projectId, slug],
  );
  return rows[0] && withoutNulls<StoredWorkflow>(rows[0]);
}

/** Until the transaction ends, nobody else can take a place under this workflow's limit of runs. */
export async function lockWorkflow(db: Db, id: string): Promise<void> {
  await db.query("select from workflows where id = $1 for update", [id]);
}

/** As it is now, and until the transaction ends nobody else changes it. Who starts runs of it need not wait. */
export async function lockForChange(db: Db, id: string): Promise<StoredWorkflow | undefined> {
  const { rows } = await db.query<Columns<StoredWorkflow>>("select * from workflows where id = $1 for no key update", [
    id,
  ]);
  return rows[0] && withoutNulls<StoredWorkflow>(rows[0]);
}

/** Newest first. */
export async function listWorkflows(db: Db, request: ListRequest): Promise<StoredWorkflow[]> {
  const { rows } = await db.query<Columns<StoredWorkflow>>(
    `select * from workflows
     where project_id = $1
       and ($2::text is null or tags ? $2)
       and ($3::jsonb is null or tags @> $3)
       and ($4::float8 is null or (created_at, id) < (epoch_ms($4), $5::uuid))
     order by created_at desc, id desc
     limit $6`,
    listParameters(request),
  );
  return rows.map((row) => withoutNulls<StoredWorkflow>(row));
}
