import type { Json } from "../../src/contract/json.ts";
import type { StepInput } from "../../src/contract/steps.ts";
import { stepsProblem } from "../../workflows/engine/definition/validate.ts";
import { parseCondition } from "../../workflows/expressions/condition-parser.ts";
import { holds } from "../../workflows/expressions/conditions.ts";
import { follow } from "../../workflows/expressions/references.ts";

const statuses: Record<string, string> = { smoke: "failed", build: "completed" };
const statusOf = (ref: string) => (Object.hasOwn(statuses, ref) ? statuses[ref] : undefined);

/** Whether it holds in a run of the steps "build", which completed, and "smoke", which failed. All references read `values`. */
export function is(condition: Json, values: Json = {}): boolean {
  const valueAt = ({ path }: { path: string[] }) => {
    const value = follow(path, values);
    return value === undefined ? undefined : { value };
  };
  return holds(parseCondition(condition), { statusOf, valueAt });
}

/** What is wrong with the condition of a step that comes after "build" and "smoke", and before "late". */
export function conditionProblem(condition: Json): string | undefined {
  const more = { on_failure: "fail_workflow", retry_backoff: "exponential", resource_class: "small" };
  const job = { step_type: "job", job_id: "job-1", ...more };
  const steps: StepInput[] = [
    { ...job, step_ref: "build", depends_on: [] },
    { ...job, step_ref: "smoke", depends_on: ["build"] },
    { ...job, step_ref: "asks", depends_on: ["smoke"], condition },
    { ...job, step_ref: "late", depends_on: ["asks"] },
  ];
  return stepsProblem(steps)?.message.replace('step "asks": ', "");
}
