import type { StepOverride } from "../../../src/contract/workflows.ts";
import type { Plan } from "../plan.ts";

const leftOut = new WeakMap<StepOverride[], Set<string>>();

/**
 * Whether the definition has a step of this name. One that is left out of the run keeps its name: `outputs.build.js` does not
 * become the member `js` of the step `build` because `build.js` is disabled.
 */
export function isDefined({ run, index }: Plan, ref: string): boolean {
  if (index.has(ref)) return true;
  const { step_overrides: overrides, rules = 0 } = run;
  if (!overrides || rules < 5) return false;
  const known = leftOut.get(overrides) ?? new Set(overrides.map(({ step_ref }) => step_ref));
  leftOut.set(overrides, known);
  return known.has(ref);
}
