import { isMap } from "../../contract/fields.ts";
import type { Json } from "../../contract/json.ts";
import { Problem } from "../../errors.ts";
import type { StoredStep } from "../../store/workflow-versions.ts";

interface Forced {
  /** What is to be held to the gate's form. */
  values?: Json;
  /** What the step puts out if they fit. */
  output: (values: Json | undefined) => Json | undefined;
}

/** What a gate puts out that somebody completes by force: what it would if they had decided it. Steps after it branch on that. */
export function forcedOutput(
  { step_ref, approval_options: options, approval_form: form }: StoredStep,
  actor: string,
  result: Json | undefined,
): Forced {
  if (!options) return { values: result, output: (values) => values };
  const { option, by = actor, values, ...others } = isMap(result) ? (result as Record<string, Json>) : {};
  if (typeof option !== "string" || !options.includes(option))
    throw unfit(`result.option must be one of ${options.join(", ")}`);
  if (by !== actor) throw unfit(`result.by must be ${actor}, who completes it`);
  if (Object.keys(others).length > 0) throw unfit("result must have no more than option, by and values");
  if (values !== undefined && !form) throw unfit(`step ${step_ref} has no form for result.values`);
  return { values, output: (checked) => ({ option, by, ...(form && { values: checked as Json }) }) };
}

const unfit = (problem: string) => new Problem("validation_error", problem, [problem]);
