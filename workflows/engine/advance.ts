import { decide } from "./decide.ts";
import { evolve } from "./evolve.ts";
import type { Run } from "./run.ts";

/** Everything that the rules want to happen at that time: the run stands where only news can move it. */
export function advance(run: Run, at: number): void {
  for (let next = decide(run); next; next = decide(run)) evolve(run, { ...next, at });
}
