import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { isOutage } from "../outage.ts";

/** What the log says of a command. */
interface Told {
  verb: string;
  actor: string;
  run?: string;
  step?: string;
}

/** Logs a line for each command with its outcome: `applied`, `accepted` if no worker could tell yet, or the code of its refusal. */
export async function logged<Done extends object>(
  { log }: Pick<Deps, "log">,
  command: Told,
  act: () => Promise<Done>,
  runOf: (done: Done) => string | undefined = () => command.run,
): Promise<Done> {
  try {
    const done = await act();
    const outcome = "accepted" in done ? "accepted" : "applied";
    log.info({ ...command, run: runOf(done), outcome }, "command");
    return done;
  } catch (error) {
    const outcome = error instanceof Problem ? error.code : isOutage(error) ? "unavailable" : "internal_error";
    log.info({ ...command, outcome }, "command");
    throw error;
  }
}
