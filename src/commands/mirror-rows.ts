import { tellSettled } from "./command-log.ts";
import type { Deps } from "../deps.ts";
import { writeMirror } from "../store/mirror/write-mirror.ts";
import type { MirrorRows } from "../../workflows/engine/mirror/rows.ts";

/** Writes what changed in some runs, and tells of the accepted commands that took effect with it. */
export async function mirrorRows({ db, log }: Pick<Deps, "db" | "log">, changes: MirrorRows[]): Promise<void> {
  // A run logs what it refuses by itself.
  for (const { run_id, outcome } of await writeMirror(db, changes))
    if (outcome.status === "applied") tellSettled(log, { run: run_id }, outcome);
}
