import type { Deps } from "../deps.ts";
import { type AcceptedCommand, acceptCommand } from "../store/accepted-commands.ts";

/** The command is stored under this id, of this run or bulk operation, and nobody could say yet what became of it. */
export interface Accepted {
  accepted: string;
  of: string;
}

/** What is answered so can be asked about from then on. */
export async function accepted({ db }: Deps, command: Omit<AcceptedCommand, "accepted_at">): Promise<Accepted> {
  await acceptCommand(db, command);
  return { accepted: command.id, of: command.run_id };
}
