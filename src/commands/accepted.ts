import { tellSettled } from "./command-log.ts";
import type { Deps } from "../deps.ts";
import { isOutage } from "../outage.ts";
import { type AcceptedCommand, acceptCommand } from "../store/accepted-commands.ts";
import { lateAnswer } from "../temporal/connection.ts";
import { within } from "../time/deadline.ts";

const NOTED_WITHIN_MS = 2_000;

/** A command that is stored under the id `accepted`, for the run or bulk operation `of`. Its outcome is not known yet. */
export interface Accepted {
  accepted: string;
  of: string;
}

/** Notes the command, so that its caller can ask about it. If Postgres is away, it can be asked about once it has taken effect. */
export async function accepted({ db, log }: Deps, command: Omit<AcceptedCommand, "accepted_at">): Promise<Accepted> {
  const known = await within(NOTED_WITHIN_MS, acceptCommand(db, command), lateAnswer).catch((err): undefined => {
    // Temporal has the command: it takes effect, whatever we answer.
    if (!isOutage(err)) throw err;
    log.warn({ err, run: command.run_id, command_id: command.id }, "an accepted command is not noted");
  });
  // It took effect before it was noted as accepted, so who stored that did not know who was to be told.
  if (known) tellSettled(log, { run: command.run_id }, known);
  return { accepted: command.id, of: command.run_id };
}
