import { setImmediate } from "node:timers/promises";
import type { Simulation } from "../../simulation/simulation.ts";

/** How long others wait for a simulation at a time. */
const MOMENT_MS = 20;

/** Plays a simulation to its end. What else the process has to do is done in between. */
export async function played(simulation: Simulation): Promise<Simulation> {
  // What it begins with, and what is made of it, are turns of their own.
  await setImmediate();
  let until = performance.now() + MOMENT_MS;
  for (const _ of simulation.play()) {
    if (performance.now() < until) continue;
    await setImmediate();
    until = performance.now() + MOMENT_MS;
  }
  await setImmediate();
  return simulation;
}
