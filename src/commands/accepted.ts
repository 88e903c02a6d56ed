import type { Deps } from "../deps.ts";
import { isOutage } from "../outage.ts";
import { type AcceptedCommand, acceptCommand } from "../store/accepted-commands.ts";

/** The command is stored under this id, of this run or bulk operation, and nobody could say yet what became of it. */
export interface Accepted {
  accepted: string;
  of: string;
}

/** What is answered so can be asked about from then on; where Postgres is away, once it is back and the command has taken effect. */
export async function accepted({ db, log }: Deps, command: Omit<AcceptedCommand, "accepted_at">): Promise<Accepted> {
  await acceptCommand(db, command).catch((err) => {
    // Temporal has it: it will take effect, whatever is answered.
    if (!isOutage(err)) throw err;
    log.warn({ err, run: command.run_id, command: command.id }, "an accepted command is not noted");
  });
  return { accepted: command.id, of: command.run_id };
}
