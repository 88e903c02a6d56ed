import { recordOf } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import type { CallOutcome } from "../../workflows/activity-types.ts";
import type { JournaledPlay } from "../../workflows/journal-types.ts";

/** A row of the journal. What a workflow task did has `played`, `execution` and `task`; a call has `outcome`. */
export interface JournalRow {
  run_id: string;
  name: string;
  execution?: string;
  /** The history's length when the task began. */
  task?: number;
  played?: JournaledPlay;
  outcome?: CallOutcome;
}

/** What is stored already stays: the first outcome of a call is its outcome. */
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
 * What workflow tasks of this execution did, in order, when the history was longer than `after`. What was done until it was as long as
 * `settled` is in Temporal's history, so it is deleted.
 */
export async function takePlayed(
  db: Db,
  { run_id, execution, after, settled }: { run_id: string; execution: string; after: number; settled: number },
): Promise<PlayedRow[]> {
  const { rows } = await db.query<{ played: string; outcome: string | null }>({
    name: "take_played",
    text: `
      with gone as (delete from call_journal where run_id = $1 and (execution <> $2 or task <= $4))
      select played, outcome from call_journal where run_id = $1 and execution = $2 and task > $3 order by seq`,
    values: [run_id, execution, after, settled],
  });
  return rows.map(({ played, outcome }) => ({
    played: JSON.parse(played) as JournaledPlay,
    outcome: outcome === null ? undefined : (JSON.parse(outcome) as CallOutcome),
  }));
}

/** The outcomes of those of these calls that have ended. `played`: and of all that were made by plays of the run. */
export async function findOutcomes(
  db: Db,
  runId: string,
  names: string[],
  played = false,
): Promise<Map<string, CallOutcome>> {
  const { rows } = await db.query<{ name: string; outcome: string }>({
    name: "find_outcomes",
    text: `
      select name, outcome from call_journal
      where run_id = $1 and (name = any($2) or ($3 and task is not null)) and outcome is not null`,
    values: [runId, names, played],
  });
  return new Map(rows.map(({ name, outcome }) => [name, JSON.parse(outcome) as CallOutcome]));
}

/** Deletes at most `most` rows of runs that are over and began before `id`: a UUIDv7 is ordered by time. Returns how many it deleted. */
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
