import { decide } from "./decide.ts";
import { evolve } from "./evolve.ts";
import type { Run } from "./run.ts";

/** Everything that the rules want to happen at that time: only an event from outside can move the run after that. */
export function advance(run: Run, at: number): void {
  for (let next = decide(run); next; next = decide(run)) evolve(run, { ...next, at });
}
