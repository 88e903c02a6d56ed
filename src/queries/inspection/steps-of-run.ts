import type { PlanStep } from "../../../workflows/engine/plan.ts";
import type { StepRow } from "../../../workflows/engine/mirror/rows.ts";
import { stepRow } from "../../../workflows/engine/mirror/view.ts";
import type { Run } from "../../../workflows/engine/run.ts";

/** In the order of the definition, each as it is and as it was defined. */
export const stepsOf = (run: Run): { definition: PlanStep; row: StepRow }[] =>
  run.plan.steps.map((definition, i) => ({ definition, row: stepRow(run, i) }));

/** Up to now, of one that is not over. Undefined: it has not started. In whole milliseconds. */
export const durationOf = ({ started_at, finished_at }: Pick<StepRow, "started_at" | "finished_at">) =>
  started_at === undefined ? undefined : Math.max(0, Math.round((finished_at ?? Date.now()) - started_at));
