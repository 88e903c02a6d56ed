import pg, { type PoolClient } from "pg";
import type { Job } from "../contract/jobs/jobs.ts";
import { type Json, parseJson, stringifyJson } from "../contract/json.ts";
import { type Columns, isUuid, withoutNulls } from "./postgres/columns.ts";
import { type ListRequest, listParameters } from "./postgres/list-request.ts";
import type { Db } from "./postgres/pool.ts";
import { cachedFor } from "../time/cached-for.ts";
import { rfc3339 } from "../../workflows/engine/time.ts";

/** A job as it is answered, but with times in epoch milliseconds. `slow`: its last call took long. Clients do not see that. */
export type StoredJob = Omit<Job, "created_at" | "updated_at"> & {
  created_at: number;
  updated_at: number;
  slow: boolean;
};

const COLUMNS = `
  id, project_id, name, slug, description, endpoint_url, fallback_endpoint_url, max_attempts, timeout_secs, enabled,
  execution_mode, tags, headers, payload_schema, result_schema, max_concurrency, run_ttl_secs, retry_strategy,
  retry_delays_secs, cron, timezone, environment_id, version, version_id, version_policy, created_by, updated_by,
  created_at, updated_at`;

// The schemas travel by themselves: unlike a json column, a record refuses \u0000 anywhere in it.
const VALUES = `
  select ${COLUMNS.replace("payload_schema, result_schema", "$2::json, $3::json")}
  from json_populate_record(null::jobs, $1::json)`;

function valuesOf({ payload_schema, result_schema, ...columns }: StoredJob) {
  const record = {
    ...columns,
    tags: columns.tags ?? {},
    created_at: rfc3339(columns.created_at),
    updated_at: rfc3339(columns.updated_at),
  };
  return [stringifyJson(record), jsonText(payload_schema), jsonText(result_schema)];
}

/** Each version stays beside the live job. */
const withVersion = (change: string) => `
  with live as (${change} returning *) insert into job_versions select * from live`;

/** "duplicate": it is stored already, or the project has another with this slug. */
export async function insertJob(db: Db, job: StoredJob): Promise<"inserted" | "duplicate"> {
  const insert = `insert into jobs (${COLUMNS}) ${VALUES} on conflict do nothing`;
  const { rowCount } = await db.query(withVersion(insert), valuesOf(job));
  return rowCount === 1 ? "inserted" : "duplicate";
}

/** Puts the next version in the place of the one before it. "changed": that is not the live one any more, or the job is gone. */
export async function replaceJob(db: Db, job: StoredJob): Promise<"replaced" | "changed" | "duplicate"> {
  const update = `update jobs set (${COLUMNS}) = (${VALUES}) where id = $4 and version = $5`;
  try {
    const { rowCount } = await db.query(withVersion(update), [...valuesOf(job), job.id, job.version - 1]);
    return rowCount === 1 ? "replaced" : "changed";
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.constraint === "jobs_slug") return "duplicate";
    throw error;
  }
}

/** Until the transaction ends nobody else changes or deletes the job, or starts a run of it by itself. */
export async function lockJob(transaction: PoolClient, id: string): Promise<void> {
  await transaction.query("select from jobs where id = $1 for update", [id]);
}

export async function deleteJob(db: Db, id: string): Promise<void> {
  await db.query(
    "with gone as (delete from jobs where id = $1 returning id) delete from job_versions using gone where job_versions.id = gone.id",
    [id],
  );
}

/** Newest first; those below the version `before`. */
export async function listJobVersions(
  db: Db,
  id: string,
  { before, limit }: { before?: number; limit: number },
): Promise<StoredJob[]> {
  const { rows } = await db.query<JobColumns>(
    "select * from job_versions where id = $1 and ($2::integer is null or version < $2) order by version desc limit $3",
    [id, before ?? null, limit],
  );
  return rows.map(jobOf);
}

const jsonText = (value: Json | undefined) => (value === undefined ? null : stringifyJson(value));

export async function findJob(db: Db, id: string): Promise<StoredJob | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<JobColumns>({
    name: "find_job",
    text: "select * from jobs where id = $1",
    values: [id],
  });
  return rows[0] && jobOf(rows[0]);
}

/** Those of them that there are. */
export async function findJobs(db: Db, ids: string[]): Promise<StoredJob[]> {
  const { rows } = await db.query<JobColumns>("select * from jobs where id = any($1)", [
    [...new Set(ids)].filter(isUuid),
  ]);
  return rows.map(jobOf);
}

export async function findJobBySlug(db: Db, projectId: string, slug: string): Promise<StoredJob | undefined> {
  const { rows } = await db.query<JobColumns>("select * from jobs where project_id = $1 and slug = $2", [
    projectId,
    slug,
  ]);
  return rows[0] && jobOf(rows[0]);
}

export async function setSlow(db: Db, id: string, slow: boolean): Promise<void> {
  await db.query("update jobs set slow = $2 where id = $1 and slow <> $2", [id, slow]);
}

/** Where each of these calls went, by the version that the job had then. Undefined of a job that is gone. */
export async function listEndpoints(db: Db, calls: { job_id: string; at: number }[]): Promise<(string | undefined)[]> {
  const { rows } = await db.query<{ url: string | null }>({
    name: "list_endpoints",
    text: `
      select (
        select endpoint_url from job_versions
        where id = call.job_id and updated_at <= epoch_ms(call.at) order by version desc limit 1) as url
      from json_to_recordset($1::json) as call(n integer, job_id uuid, at float8)
      order by n`,
    values: [JSON.stringify(calls.map((call, n) => ({ ...call, n })))],
  });
  return rows.map(({ url }) => url ?? undefined);
}

/** For calls: a change of the job counts for them a moment later. */
export const findRecentJob = cachedFor(1_000, findJob);

/** Which of these jobs were slow in their last call. */
export async function slowAmong(db: Db, ids: string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: "slow_jobs",
    text: "select id from jobs where id = any($1) and slow",
    values: [ids.filter(isUuid)],
  });
  return rows.map(({ id }) => id);
}

/** Newest first. */
export async function listJobs(db: Db, request: ListRequest): Promise<StoredJob[]> {
  const { rows } = await db.query<JobColumns>(
    `select * from jobs
     where project_id = $1
       and ($2::text is null or tags ? $2)
       and ($3::jsonb is null or tags @> $3)
       and ($4::float8 is null or (created_at, id) < (epoch_ms($4), $5::uuid))
     order by created_at desc, id desc
     limit $6`,
    listParameters(request),
  );
  return rows.map(jobOf);
}

type JobColumns = Omit<Columns<StoredJob>, "headers" | "payload_schema" | "result_schema"> & {
  headers: string | null;
  payload_schema: string | null;
  result_schema: string | null;
};

function jobOf(row: JobColumns): StoredJob {
  return withoutNulls<StoredJob>({
    ...row,
    headers: row.headers ? (JSON.parse(row.headers) as Record<string, string>) : null,
    payload_schema: row.payload_schema === null ? null : parseJson(row.payload_schema),
    result_schema: row.result_schema === null ? null : parseJson(row.result_schema),
  });
}
