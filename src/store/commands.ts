import { isUuid } from "./postgres/columns.ts";
import type { Db } from "./postgres/pool.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";
import type { Shown } from "../../workflows/engine/mirror/rows.ts";
import type { CommandReply } from "../../workflows/messages.ts";

export type Reply = Omit<CommandReply, "unmirrored">;

/** The outcome of a command to a run or a bulk operation. */
export async function findCommand<Outcome = CommandOutcome>(
  db: Db,
  runId: string,
  id: string,
): Promise<Outcome | undefined> {
  if (!isUuid(runId)) return undefined;
  const { rows } = await db.query<{ outcome: string }>(
    "select outcome from run_commands where run_id = $1 and id = $2",
    [runId, id],
  );
  return rows[0] && (JSON.parse(rows[0].outcome) as Outcome);
}

/** Of the commands whose id begins so. */
export async function listOutcomes(db: Db, runId: string, idBegin: string): Promise<CommandOutcome[]> {
  const { rows } = await db.query<{ outcome: string }>(
    "select outcome from run_commands where run_id = $1 and starts_with(id, $2)",
    [runId, idBegin],
  );
  return rows.map(({ outcome }) => JSON.parse(outcome) as CommandOutcome);
}

/** The steps that the commands were for whose id begins so. */
export async function listStepsTold(db: Db, runId: string, idBegin: string): Promise<string[]> {
  const { rows } = await db.query<{ step_ref: string }>(
    `select outcome->>'step_ref' as step_ref from run_commands where run_id = $1 and starts_with(id, $2) order by at, id`,
    [runId, idBegin],
  );
  return rows.map(({ step_ref }) => step_ref);
}

/** Stores the outcome of a command that the run itself does not tell. False: one is stored already. */
export async function saveOutcome(db: Db, runId: string, outcome: CommandOutcome): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into run_commands (run_id, id, outcome, at) values ($1, $2, $3, epoch_ms($4)) on conflict (run_id, id) do nothing`,
    [runId, outcome.id, JSON.stringify(outcome), outcome.at],
  );
  return rowCount === 1;
}

/** The outcome of a command with what its caller is shown. */
export async function findReply(db: Db, runId: string, id: string): Promise<Reply | undefined> {
  const { rows } = await db.query<{ outcome: string; shown: string | null }>({
    name: "find_reply",
    text: "select outcome, shown from run_commands where run_id = $1 and id = $2",
    values: [runId, id],
  });
  const [row] = rows;
  if (!row?.shown) return undefined;
  return { outcome: JSON.parse(row.outcome) as CommandOutcome, ...(JSON.parse(row.shown) as Shown) };
}

/** Oldest first. */
export async function listCommands(db: Db, runId: string): Promise<CommandOutcome[]> {
  if (!isUuid(runId)) return [];
  const { rows } = await db.query<{ outcome: string }>(
    "select outcome from run_commands where run_id = $1 order by at, id",
    [runId],
  );
  return rows.map((row) => JSON.parse(row.outcome) as CommandOutcome);
}
