import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { isOutage } from "../outage.ts";
import { noteRun } from "../request-scope.ts";
import { commands } from "../topics.ts";

/** What the log says of a command. */
interface Told {
  verb: string;
  actor: string;
  /** The workflow run, also of a job run by itself. */
  run?: string;
  step?: string;
  job_run?: string;
}

/** The outcome of a command: `applied`, `accepted` if no worker could tell yet, or the code of its refusal. It is a line, and counted. */
export function tellCommand({ log }: Pick<Deps, "log">, command: Told, outcome: string): void {
  noteRun(command.run, command.step);
  commands.publish({ verb: command.verb, outcome });
  log.info({ ...command, outcome }, "command");
}

/** Does it, and tells its outcome. `made`: what is known once it is done. */
export async function logged<Done extends object>(
  deps: Pick<Deps, "log">,
  command: Told,
  act: () => Promise<Done>,
  made: (done: Done) => Partial<Told> = () => ({}),
): Promise<Done> {
  try {
    const done = await act();
    tellCommand(deps, { ...command, ...made(done) }, "accepted" in done ? "accepted" : "applied");
    return done;
  } catch (error) {
    tellCommand(
      deps,
      command,
      error instanceof Problem ? error.code : isOutage(error) ? "unavailable" : "internal_error",
    );
    throw error;
  }
}
