import { parseJson, stringifyJson } from "../contract/json.ts";
import { type Columns, isId, present } from "./columns.ts";
import { slowAmong } from "./jobs.ts";
import { type PageOf, pageParameters } from "./page.ts";
import type { Db } from "./pool.ts";
import { recently } from "./recent.ts";
import type { PlanStep } from "../../workflows/engine/plan.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** A step of a definition. A payload too long to travel inline is a row of `documents`. */
export type StoredStep = PlanStep & { workflow_id: string; created_at: number };

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
  version_policy: "pin" | "latest" | "minor";
  backwards_compatible?: boolean;
  created_by?: string;
  updated_by?: string;
  created_at: number;
  updated_at: number;
}

/** What a run is pinned to. Never changes once inserted. */
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
  created_by?: string;
  updated_by?: string;
  created_at: number;
  steps: StoredStep[];
}

/** Stores the workflow and its first version together. "duplicate": it is there, or the project has another with this slug. */
export async function insertWorkflow(
  db: Db,
  { workflow, steps }: { workflow: StoredWorkflow; steps: StoredStep[] },
): Promise<"inserted" | "duplicate"> {
  const record = {
    ...workflow,
    created_at: rfc3339(workflow.created_at),
    updated_at: rfc3339(workflow.updated_at),
  };
  const { rowCount } = await db.query(
    `with created as (
       insert into workflows select * from json_populate_record(null::workflows, $1::json)
       on conflict do nothing
       returning *
     )
     insert into workflow_versions (
       version_id, workflow_id, version, project_id, name, slug, description, enabled, timeout_secs, max_concurrent_runs,
       max_parallel_steps, cron, cron_timezone, skip_if_running, created_by, updated_by, created_at, steps)
     select
       version_id, id, version, project_id, name, slug, description, enabled, timeout_secs, max_concurrent_runs,
       max_parallel_steps, cron, cron_timezone, skip_if_running, created_by, updated_by, created_at, $2::json
     from created`,
    [stringifyJson(record), stringifyJson(steps)],
  );
  return rowCount === 1 ? "inserted" : "duplicate";
}

export async function findWorkflow(db: Db, id: string): Promise<StoredWorkflow | undefined> {
  if (!isId(id)) return undefined;
  const { rows } = await db.query<Columns<StoredWorkflow>>({
    name: "find_workflow",
    text: "select * from workflows where id = $1",
    values: [id],
  });
  return rows[0] && present<StoredWorkflow>(rows[0]);
}

/** Until the transaction ends, nobody else can count or start this workflow's runs under its limit. */
export async function lockWorkflow(db: Db, id: string): Promise<void> {
  await db.query("select from workflows where id = $1 for update", [id]);
}

/** Newest first. */
export async function listWorkflows(db: Db, page: PageOf): Promise<StoredWorkflow[]> {
  const { rows } = await db.query<Columns<StoredWorkflow>>(
    `select * from workflows
     where project_id = $1
       and ($2::text is null or tags ? $2)
       and ($3::jsonb is null or tags @> $3)
       and ($4::float8 is null or (created_at, id) < (epoch_ms($4), $5::uuid))
     order by created_at desc, id desc
     limit $6`,
    pageParameters(page),
  );
  return rows.map((row) => present<StoredWorkflow>(row));
}

/** Versions never change, so what was read once is kept: the latest this many asked for. Not to be changed by who gets them. */
const KEPT_VERSIONS = 500;
const versions = new Map<string, StoredVersion>();

export async function findVersion(db: Db, versionId: string): Promise<StoredVersion | undefined> {
  const kept = versions.get(versionId);
  const version = kept ?? (await readVersion(db, versionId));
  if (!version) return undefined;
  versions.delete(versionId);
  versions.set(versionId, version);
  if (versions.size > KEPT_VERSIONS) versions.delete(versions.keys().next().value as string);
  return version;
}

async function readVersion(db: Db, versionId: string): Promise<StoredVersion | undefined> {
  const { rows } = await db.query<Columns<Omit<StoredVersion, "steps">> & { steps: string }>({
    name: "find_version",
    text: "select * from workflow_versions where version_id = $1",
    values: [versionId],
  });
  return rows[0] && present<StoredVersion>({ ...rows[0], steps: parseJson(rows[0].steps) as unknown as StoredStep[] });
}

/** A version's steps as a run carries them. */
export function planSteps(version: StoredVersion): PlanStep[] {
  return version.steps.map(({ workflow_id, created_at, ...step }) => step);
}

/** The jobs of a version whose last call took long. */
export const slowJobsOf = recently(async (db: Db, versionId: string): Promise<string[]> => {
  const version = await findVersion(db, versionId);
  const ids = version?.steps.flatMap(({ job_id }) => job_id ?? []) ?? [];
  return ids.length > 0 ? slowAmong(db, [...new Set(ids)]) : [];
});
