import { z } from "zod";
import { json, list, members, whole } from "./fields.ts";
import { STEP_TYPES, type StepType, typeAliases, typeFields } from "./steps/index.ts";
import { type StepSchema, word } from "./steps/schema.ts";
import type { WorkflowStep } from "./workflows.ts";

/** What only a stored step has. */
type Made = "id" | "workflow_id" | "created_at" | "sub_workflow_version_id";
type Choices = "step_type" | "on_failure" | "retry_backoff" | "resource_class";

/** A step as a definition gives it, aliases resolved and defaults filled in. Whether it makes sense is for validate.ts to say. */
export type StepInput = Omit<WorkflowStep, Made | "on_skip" | Choices> & Record<Choices, string> & { on_skip?: string };

/** Of the largest workflow that any server is set to take (MAX_STEPS). */
export const MOST_STEPS = 10_000;

/** Other names of what any step has, or several types. */
const ALIASES = { type: z.string().optional(), timeout_secs: whole.optional(), ...typeAliases };

/** The fields of steps that were given under another name. */
const OTHER_NAMES = new WeakMap<StepInput, Map<string, string>>();

/** A field of a step as the definition names it, for whoever is told of it. */
export const sentAs = (step: StepInput, field: string): string => OTHER_NAMES.get(step)?.get(field) ?? field;

/** Step input under the server's names and those of the published SDKs and docs (docs/definitions.md, A step). */
export const stepInput = members({
  step_ref: z.string().default(""),
  step_type: z.string().optional(),
  depends_on: list(z.string(), MOST_STEPS).default([]),
  condition: json.optional(),
  on_failure: z.string().default("fail_workflow"),
  on_skip: z.string().optional(),
  concurrency_key: word.optional(),
  resource_class: z.string().default("small"),
  ...typeFields,
  ...ALIASES,
}).transform((given, ctx): StepInput => {
  const complain = (field: string, message: string) => ctx.addIssue({ code: "custom", path: [field], message });

  const { type, timeout_secs } = given;
  if (type !== undefined && given.step_type !== undefined && type !== given.step_type)
    complain("type", "contradicts step_type");
  const step_type = given.step_type ?? type ?? typeByFields(given);
  const step = { ...withoutAliases(given), step_type };
  const names = new Map<string, string>(type === undefined ? [] : [["step_type", "type"]]);
  OTHER_NAMES.set(step, names);
  for (const schema of Object.values(STEP_TYPES)) {
    const resolved: object = ("resolved" in schema && schema.resolved(given, complain)) || {};
    Object.assign(step, resolved);
    const [alias = ""] = Object.keys(schema.aliases);
    for (const field of Object.keys(resolved)) names.set(field, alias);
  }

  if (timeout_secs === undefined) return step;
  const timeout = timeoutOf(step_type);
  if (timeout === undefined) complain("timeout_secs", "only approval and wait_for_event steps have one");
  else if (timeout in step) complain("timeout_secs", `give timeout_secs or ${timeout}, not both`);
  else {
    Object.assign(step, { [timeout]: timeout_secs });
    names.set(timeout, "timeout_secs");
  }
  return step;
});

const withoutAliases = <Given extends object>(given: Given) =>
  Object.fromEntries(Object.entries(given).filter(([field]) => !Object.hasOwn(ALIASES, field))) as Omit<
    Given,
    keyof typeof ALIASES
  >;

/** The published TypeScript builders drop the type: what else a step says tells it. */
function typeByFields(given: { [field: string]: unknown }): string {
  for (const [type, { toldBy }] of Object.entries(STEP_TYPES))
    if (toldBy.some((field) => given[field] !== undefined)) return type;
  return "job";
}

function timeoutOf(step_type: string): string | undefined {
  const schema: StepSchema | undefined = Object.hasOwn(STEP_TYPES, step_type)
    ? STEP_TYPES[step_type as StepType]
    : undefined;
  return schema?.timeout;
}
