import type { Shape } from "./shapes.ts";

/** One of those that are compared. */
export interface Subject {
  name: string;
  /** From the trigger to the end; rejects unless it completed. */
  run(shape: Shape): Promise<unknown>;
  /** How many steps it has completed: as many calls must have reached the endpoint. */
  stepsRun: number;
}
