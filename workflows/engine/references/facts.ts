import type { Facts } from "../../expressions/conditions.ts";
import { type Told, testsOf } from "../../expressions/told-conditions.ts";
import type { Run } from "../run.ts";
import { startRuleOf } from "./start-rules.ts";
import { valueAt } from "./values.ts";

/** What the condition of a step asks of its run. */
export const factsOf = (run: Run, i: number): Facts => ({
  statusOf: (ref) => run.state.steps[run.plan.index.get(ref) ?? -1]?.status,
  valueAt: (reference) => valueAt(run, i, reference),
});

/** What the condition of a step has come to, while the run stands as it did when it was decided about. */
export function conditionTests(run: Run, i: number): Told[] {
  const condition = startRuleOf(run.plan, i)?.condition;
  return condition ? testsOf(condition, factsOf(run, i)) : [];
}
