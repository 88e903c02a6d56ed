import { type Columns, withoutNulls } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";

/** A command to a run or a bulk operation whose caller was told that it is stored; and every cancellation that Temporal is asked for. */
export interface AcceptedCommand {
  run_id: string;
  id: string;
  verb: string;
  step_ref?: string;
  actor: string;
  /** Of a cancellation. Other commands have told theirs to the run. */
  reason?: string;
  accepted_at: number;
}

export type Canceler = Pick<AcceptedCommand, "actor" | "reason">;

/** Answers its outcome, where that is known by now. */
export async function acceptCommand(
  db: Db,
  command: Omit<AcceptedCommand, "accepted_at">,
): Promise<CommandOutcome | undefined> {
  const { run_id, id, verb, step_ref, actor, reason } = command;
  const { rows } = await db.query<{ outcome: string }>(
    `with accepted as (
       insert into accepted_commands (run_id, id, verb, step_ref, actor, reason) values ($1, $2, $3, $4, $5, $6)
       on conflict (run_id, id) do nothing
       returning run_id, id
     )
     select outcome from accepted join run_commands using (run_id, id)`,
    [run_id, id, verb, step_ref, actor, reason],
  );
  return rows[0] && (JSON.parse(rows[0].outcome) as CommandOutcome);
}

/** SQL for those of the commands in `known` (run_id, id, outcome) that are accepted ones. It looks each up by its key, however many there are. */
export const acceptedAmong = (known: string): string => `
  select run_id, outcome from ${known} known
  where (select true from accepted_commands accepted where accepted.run_id = known.run_id and accepted.id = known.id)`;

export async function findAccepted(db: Db, runId: string, id: string): Promise<AcceptedCommand | undefined> {
  const { rows } = await db.query<Columns<AcceptedCommand>>(
    "select * from accepted_commands where run_id = $1 and id = $2",
    [runId, id],
  );
  return rows[0] && withoutNulls<AcceptedCommand>(rows[0]);
}

/** The accepted commands of a run whose outcome is not known yet. */
export async function listPending(db: Db, runId: string): Promise<AcceptedCommand[]> {
  const { rows } = await db.query<Columns<AcceptedCommand>>(
    `select accepted.* from accepted_commands accepted
     where run_id = $1 and not exists (select from run_commands known where known.run_id = $1 and known.id = accepted.id)`,
    [runId],
  );
  return rows.map((row) => withoutNulls<AcceptedCommand>(row));
}

/** Who first asked for the run to be canceled, since it was opened last, and why. Undefined: nobody did by us. */
export async function findCanceler(db: Db, runId: string): Promise<Canceler | undefined> {
  const { rows } = await db.query<Columns<Canceler>>(
    `select actor, reason from accepted_commands
     where run_id = $1 and verb = 'cancel' and accepted_at > coalesce(
       (select max(at) from run_commands
        where run_id = $1 and outcome->>'status' = 'applied'
          and outcome->>'verb' in ('retry', 'replay-subtree', 'reopen', 'adopt')),
       '-infinity')
     order by accepted_at limit 1`,
    [runId],
  );
  return rows[0] && withoutNulls<Canceler>(rows[0]);
}
