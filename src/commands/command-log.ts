import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { isOutage } from "../outage.ts";
import { noteRun } from "../request-scope.ts";
import { commands } from "../topics.ts";

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
  const tell = (outcome: string, run = command.run) => {
    noteRun(run, command.step);
    commands.publish({ verb: command.verb, outcome });
    log.info({ ...command, run, outcome }, "command");
  };
  try {
    const done = await act();
    tell("accepted" in done ? "accepted" : "applied", runOf(done));
    return done;
  } catch (error) {
    tell(error instanceof Problem ? error.code : isOutage(error) ? "unavailable" : "internal_error");
    throw error;
  }
}
