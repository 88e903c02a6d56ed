import { type Columns, withoutNulls } from "./postgres/columns.ts";
import { documentOf } from "./documents.ts";
import type { Db } from "./postgres/pool.ts";
import type { AttemptRow } from "../../workflows/engine/mirror/rows.ts";
import type { ApprovalState } from "../../workflows/engine/state.ts";

/** SQL that inserts the AttemptRows of a json expression. They never change. */
export const insertAttemptsFrom = (json: string) => `
  insert into step_attempts (
    step_run_id, attempt, run_id, status, cause, job_run_id, output, output_ref, error, approval, started_at, finished_at)
  select
    step_run_id, attempt, run_id, status, cause, job_run_id, (output->>'text')::json, (output->>'ref')::uuid, error,
    approval, epoch_ms(started_at), epoch_ms(finished_at)
  from json_to_recordset(${json}) as attempt(
    step_run_id uuid, attempt integer, run_id uuid, status text, cause text, job_run_id uuid, output json, error text,
    approval json, started_at float8, finished_at float8)
  on conflict (step_run_id, attempt) do nothing`;

/** A step's attempts before its latest one, oldest first. */
export async function listAttempts(db: Db, stepRunId: string): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptColumns>(
    "select * from step_attempts where step_run_id = $1 order by attempt",
    [stepRunId],
  );
  return rows.map(attemptOf);
}

/** The same of all steps of a run. */
export async function listRunAttempts(db: Db, runId: string): Promise<AttemptRow[]> {
  const { rows } = await db.query<AttemptColumns>(
    "select * from step_attempts where run_id = $1 order by step_run_id, attempt",
    [runId],
  );
  return rows.map(attemptOf);
}

const attemptOf = ({ output, output_ref, approval, ...row }: AttemptColumns): AttemptRow =>
  withoutNulls<AttemptRow>({
    ...row,
    output: documentOf(output, output_ref),
    approval: approval === null ? null : (JSON.parse(approval) as ApprovalState),
  });

type AttemptColumns = Omit<Columns<AttemptRow>, "output" | "approval"> & {
  output: string | null;
  output_ref: string | null;
  approval: string | null;
};
