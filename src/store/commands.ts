import type { CommandOutcome } from "../../workflows/messages.ts";
import { isId } from "./columns.ts";
import type { Db } from "./pool.ts";

export async function findCommand(db: Db, runId: string, id: string): Promise<CommandOutcome | undefined> {
  if (!isId(runId)) return undefined;
  const { rows } = await db.query<{ outcome: string }>(
    "select outcome from run_commands where run_id = $1 and id = $2",
    [runId, id],
  );
  return rows[0] && (JSON.parse(rows[0].outcome) as CommandOutcome);
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
