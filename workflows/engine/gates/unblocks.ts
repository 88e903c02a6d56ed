import type { Plan } from "../plan.ts";
import { letsGoOn } from "../schedule.ts";
import type { StepState } from "../state.ts";

/** What a gate's dependents wait for besides the gate, by index. */
export const besides = ({ dependents, dependencies }: Plan, gate: number): number[] => [
  ...new Set((dependents[gate] ?? []).flatMap((d) => dependencies[d] ?? []).filter((i) => i !== gate)),
];

/** The steps that can start once the gate is passed, as far as their dependencies go. `steps`: at least those of `besides`. */
export function unblockedBy(plan: Plan, gate: number, steps: Pick<StepState, "status" | "cause">[]): string[] {
  const { dependents, dependencies } = plan;
  const isFree = (d: number) => (dependencies[d] ?? []).every((i) => i === gate || letsGoOn(plan, { steps }, i));
  return (dependents[gate] ?? []).filter(isFree).map((d) => plan.steps[d]?.step_ref as string);
}
