import type { ASKED_STATUSES } from "../contract/jobs/runs.ts";
import type { Cursor } from "../contract/cursor.ts";
import { type Columns, isUuid, recordOf, withoutNulls } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import { after, parameters } from "./postgres/list-request.ts";
import type { Db } from "./postgres/pool.ts";
import type { RunTrace } from "../../workflows/engine/plan.ts";
import type { JobRunRow, RunRow } from "../../workflows/engine/mirror/rows.ts";

/** A job run, with what it is shown with of its job and its workflow run. `run` only of one that a trigger of its job made. */
export interface StoredJobRun extends Omit<JobRunRow, "created_at"> {
  created_at: number;
  /** The one that was called last, or that would be called now. */
  job_version_id?: string;
  tags?: Record<string, string>;
  run?: Pick<RunRow, "triggered_by" | "created_by" | "payload" | "expires_at" | "trace">;
}

// A job keeps each of its versions, with when it began: so the last attempt tells by its time which one it called.
const SHOWN = `
  select
    job_run.*, coalesce(job_run.created_at, job_run.started_at) as created_at, job.version_id as job_version_id, run.tags,
    run.workflow_id = job_run.job_id as is_own, run.triggered_by, run.created_by, run.payload, run.payload_ref,
    run.expires_at, run.trace
  from job_runs job_run
  left join lateral (
    select coalesce(
      (select attempt_started_at from step_runs where id = job_run.step_run_id and job_run_id = job_run.id),
      (select max(started_at) from step_attempts where step_run_id = job_run.step_run_id and job_run_id = job_run.id),
      job_run.started_at, 'infinity') as at) called on true
  left join lateral (
    select version_id from job_versions where id = job_run.job_id
    order by updated_at <= called.at desc, version desc limit 1) job on true
  left join workflow_runs run on run.id = job_run.run_id`;

/** Of a run that begins, before its mirror has it. */
export async function insertJobRun(db: Db, row: JobRunRow): Promise<void> {
  await db.query(
    `insert into job_runs (id, job_id, project_id, run_id, step_run_id, status, attempt, created_at, revision)
     select id, job_id, project_id, run_id, step_run_id, status, attempt, epoch_ms(created_at), revision
     from json_to_record($1::json) as job_run(
       id uuid, job_id uuid, project_id text, run_id uuid, step_run_id uuid, status text, attempt integer,
       created_at float8, revision bigint)
     on conflict (id) do nothing`,
    [recordOf(row)],
  );
}

export async function findJobRun(db: Db, id: string): Promise<StoredJobRun | undefined> {
  if (!isUuid(id)) return undefined;
  const { rows } = await db.query<JobRunColumns>(`${SHOWN} where job_run.id = $1`, [id]);
  return rows[0] && jobRunOf(rows[0]);
}

export interface JobRunsFilter {
  projectId: string;
  jobId?: string;
  status?: (typeof ASKED_STATUSES)[number];
  /** Epoch milliseconds. */
  createdAfter?: number;
  createdBefore?: number;
}

/** Newest first. */
export async function listJobRuns(
  db: Db,
  {
    projectId,
    jobId,
    status,
    createdAfter,
    createdBefore,
    cursor,
    limit,
  }: JobRunsFilter & { cursor?: Cursor; limit: number },
): Promise<StoredJobRun[]> {
  const { values, given } = parameters();
  const at = "coalesce(job_run.created_at, job_run.started_at)";
  const where = [`job_run.project_id = ${given(projectId)}`];
  if (jobId !== undefined) where.push(isUuid(jobId) ? `job_run.job_id = ${given(jobId)}` : "false");
  // As part of the text: only then the index of those that are not completed can be chosen.
  if (status !== undefined) where.push(`job_run.status = '${status}'`);
  if (createdAfter !== undefined) where.push(`${at} >= epoch_ms(${given(createdAfter)})`);
  if (createdBefore !== undefined) where.push(`${at} < epoch_ms(${given(createdBefore)})`);
  where.push(...after(cursor, at, "job_run.id", given));
  const { rows } = await db.query<JobRunColumns>(
    `${SHOWN} where ${where.join(" and ")} order by ${at} desc, job_run.id desc limit ${given(limit)}`,
    values,
  );
  return rows.map(jobRunOf);
}

/** So many of its latest runs are looked at: more would tell nothing else. */
const MOST_RUNS = 10_000;

export interface EndedRuns {
  completed: number;
  failed: number;
  p50_ms: number | null;
  p95_ms: number | null;
}

/** How the job's runs since then ended by themselves, the latest of them. */
export async function healthOf(db: Db, jobId: string, since: number): Promise<EndedRuns> {
  const { rows } = await db.query<EndedRuns>(
    `select
       count(*) filter (where status = 'completed') as completed, count(*) filter (where status <> 'completed') as failed,
       percentile_cont(0.5) within group (order by ms) as p50_ms, percentile_cont(0.95) within group (order by ms) as p95_ms
     from (
       select status, extract(epoch from finished_at - started_at)::float8 * 1000 as ms from job_runs
       where job_id = $1 and coalesce(created_at, started_at) >= epoch_ms($2)
         and status not in ('queued', 'executing', 'canceled') and started_at is not null
       order by coalesce(created_at, started_at) desc, id desc limit ${MOST_RUNS}) ended`,
    [jobId, since],
  );
  return rows[0] as EndedRuns;
}

type JobRunColumns = Columns<Omit<StoredJobRun, "output" | "run">> & {
  output: string | null;
  output_ref: string | null;
  is_own: boolean | null;
  triggered_by: string | null;
  created_by: string | null;
  payload: string | null;
  payload_ref: string | null;
  expires_at: number | null;
  trace: RunTrace | null;
};

function jobRunOf(columns: JobRunColumns): StoredJobRun {
  const { is_own, triggered_by, created_by, payload, payload_ref, expires_at, trace, ...jobRun } = columns;
  const { output, output_ref, ...row } = jobRun;
  const of = { triggered_by: triggered_by ?? "", created_by, expires_at, trace };
  const run = is_own
    ? withoutNulls<StoredJobRun["run"] & object>({ ...of, payload: documentOf(payload, payload_ref) })
    : null;
  return withoutNulls<StoredJobRun>({ ...row, output: documentOf(output, output_ref), run });
}
