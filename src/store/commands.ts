import type { CommandOutcome } from "../../workflows/messages.ts";
import { isId } from "./columns.ts";
import type { Db } from "./pool.ts";

/** Of a run, or of a bulk operation. */
export async function findCommand<Outcome = CommandOutcome>(
  db: Db,
  runId: string,
  id: string,
): Promise<Outcome | undefined> {
  if (!isId(runId)) return undefined;
  const { rows } = await db.query<{ outcome: string }>(
    "select outcome from run_commands where run_id = $1 and id = $2",
    [runId, id],
  );
  return rows[0] && (JSON.parse(rows[0].outcome) as Outcome);
}

/** Oldest first. */
export async function listCommands(db: Db, runId: string): Promise<CommandOutcome[]> {
  if (!isId(runId)) return [];
  const { rows } = await db.query<{ outcome: string }>(
    "select outcome from run_commands where run_id = $1 order by at, id",
    [runId],
  );
  return rows.map((row) => JSON.parse(row.outcome) as CommandOutcome);
}
