import type { Json } from "../../src/contract/json.ts";
import { membersOf } from "./printed.ts";

/**
 * The payload a job or sub-workflow step is given: the run's own, overlaid by the step's, which is rendered already.
 * `parents` is undefined for a root step, and otherwise holds the direct dependencies that have an output.
 */
export function stepPayload(from: {
  trigger?: Json;
  step?: Json;
  parents?: [step_ref: string, output: Json][];
}): Json | undefined {
  const { trigger, step, parents } = from;
  if (!isObjectOrEmpty(trigger) || !isObjectOrEmpty(step)) return step ?? trigger;
  // Copying one with many members takes as long as reading it.
  if (trigger && !step && !parents) return trigger;
  return { ...trigger, ...step, ...(parents && { parent_outputs: Object.fromEntries(parents) }) };
}

function isObjectOrEmpty(value: Json | undefined): value is { [key: string]: Json } | null | undefined {
  return value === undefined || value === null || membersOf(value) !== null;
}
