import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { isOutage } from "../outage.ts";
import { noteRun } from "../request-scope.ts";
import { commands } from "../topics.ts";
import type { CommandOutcome } from "../../workflows/engine/command.ts";

/** What the log says of a command. */
interface Told {
  verb: string;
  actor: string;
  /** The workflow run, also of a job run by itself. */
  run?: string;
  step?: string;
  job_run?: string;
  bulk_operation?: string;
  /** Of one that was accepted: under it can be asked what became of it, and the line of its outcome names it, too. */
  command_id?: string;
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
    const told = { ...command, ...made(done) };
    if ("accepted" in done) tellCommand(deps, { ...told, command_id: String(done.accepted) }, "accepted");
    else tellCommand(deps, told, "applied");
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

/** What became of a command that was accepted. Its request had its line, and was counted, when nobody knew it yet. */
export function tellSettled(
  log: Deps["log"],
  of: Pick<Told, "run" | "bulk_operation">,
  { id, verb, actor, step_ref, status, code }: Omit<CommandOutcome, "verb"> & { verb: string },
): void {
  log.info({ verb, actor, ...of, step: step_ref, command_id: id, outcome: code ?? status }, "command");
}
