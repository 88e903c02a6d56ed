import { recordOf } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import type { CallOutcome, JournaledPlay } from "../../workflows/activity-types.ts";

/** A row of the journal; `played`, `execution` and `task` only of what a workflow task did, `outcome` only of a call. */
export interface JournalRow {
  run_id: string;
  name: string;
  execution?: string;
  /** How long the history was when the task began. */
  task?: number;
  played?: JournaledPlay;
  outcome?: CallOutcome;
}

/** Keeps what is known already: the first outcome of a call is its outcome. */
export async function insertJournal(db: Db, rows: JournalRow[]): Promise<void> {
  await db.query({ name: "insert_journal", text: INSERT, values: [recordOf(rows)] });
}

const INSERT = `
  insert into call_journal as known (run_id, name, execution, task, played, outcome)
  select run_id, name, execution, task, played, outcome
  from json_to_recordset($1::json) as entry(run_id uuid, name text, execution text, task integer, played json, outcome json)
  on conflict (run_id, name) do update
    set execution = excluded.execution, task = excluded.task, played = excluded.played
    where known.played is null and excluded.played is not null`;

export interface PlayedRow {
  played: JournaledPlay;
  outcome: CallOutcome | undefined;
}

/**
 * What workflow tasks of this execution did that came after the one whose history was that long, in order. What was done earlier
 * is in Temporal's history: it is forgotten.
 */
export async function takePlayed(db: Db, runId: string, execution: string, after: number): Promise<PlayedRow[]> {
  const { rows } = await db.query<{ played: string; outcome: string | null }>({
    name: "take_played",
    text: `
      with gone as (delete from call_journal where run_id = $1 and (execution <> $2 or task <= $3))
      select played, outcome from call_journal where run_id = $1 and execution = $2 and task > $3 order by seq`,
    values: [runId, execution, after],
  });
  return rows.map(({ played, outcome }) => ({
    played: JSON.parse(played) as JournaledPlay,
    outcome: outcome === null ? undefined : (JSON.parse(outcome) as CallOutcome),
  }));
}

/** How those of these calls ended that have. */
export async function findOutcomes(db: Db, runId: string, names: string[]): Promise<Map<string, CallOutcome>> {
  const { rows } = await db.query<{ name: string; outcome: string }>({
    name: "find_outcomes",
    text: "select name, outcome from call_journal where run_id = $1 and name = any($2) and outcome is not null",
    values: [runId, names],
  });
  return new Map(rows.map(({ name, outcome }) => [name, JSON.parse(outcome) as CallOutcome]));
}

/** Rows of at most `most` names, of runs begun before `id` (a UUIDv7 is ordered by time) that are over. Returns how many there were. */
export async function forgetJournal(db: Db, id: string, most: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from call_journal where (run_id, name) in (
       select run_id, name from call_journal
       where run_id < $1 and not exists (
         select from workflow_runs run where run.id = run_id and run.finished_at is null)
       limit $2)`,
    [id, most],
  );
  return rowCount ?? 0;
}
