import { isMap } from "./fields.ts";
import { type Json, stringifyJson } from "./json.ts";
import { sentAs, type StepInput } from "./steps.ts";
import { type StepType, TYPES_OF_FIELDS } from "./steps/index.ts";

const IGNORED_OF_JOB = [
  "timezone",
  "environment_id",
  "group_id",
  "execution_window_cron",
  "rate_limit_max",
  "rate_limit_window_secs",
  "dedup_window_secs",
  "webhook_url",
  "webhook_secret",
] as const;

/** Fields of each body that published clients send, and that have no effect here. The answer's X-Ignored-Fields names them. */
export const IGNORED = {
  workflow: ["timezone", "environment_id", "max_attempts", "retry_strategy", "webhook_url", "webhook_secret"],
  job: IGNORED_OF_JOB,
  jobUpdate: [...IGNORED_OF_JOB, "backwards_compatible"],
  trigger: ["priority", "metadata"],
  jobTrigger: ["priority", "metadata"],
  approve: ["approver"],
} as const;

/** Fields of each body that have no effect yet, with the values that ask for none. Other values are refused. */
export const UNSUPPORTED = {
  workflow: { cron: [""], cron_timezone: [""], skip_if_running: [false] },
  job: {
    cron: [""],
    version_policy: ["pin"],
    max_concurrency: [0],
  },
} as const;

/** The ignored fields that a body has. A null counts as absent. */
export const sent =
  (ignored: readonly string[]) =>
  (body: Json | undefined): string[] => {
    if (!isMap(body)) return [];
    return ignored.filter((field) => Object.hasOwn(body, field) && body[field] !== null);
  };

/** The same of each entry of the body's list: jobs[2].webhook_url. */
export const sentInEach =
  (list: string, ignored: readonly string[]) =>
  (body: Json | undefined): string[] => {
    const entries: unknown = isMap(body) ? body[list] : undefined;
    if (!Array.isArray(entries)) return [];
    const names = sent(ignored);
    return entries.flatMap((entry, i) => names(entry as Json).map((field) => `${list}[${i}].${field}`));
  };

/** Values that mean the same as none. */
const NOTHING: unknown[] = [undefined, 0, "", "exponential"];

/** Fields of steps that have no effect, most of them since they belong to steps of another type: steps[2].output_transform. */
export const withoutEffectIn = (steps: StepInput[]): string[] =>
  steps.flatMap((step, i) => {
    const fields = [...TYPES_OF_FIELDS].flatMap(([field, types]) => {
      const isSent = !NOTHING.includes(step[field as keyof StepInput]);
      return isSent && !types.includes(step.step_type as StepType) ? [sentAs(step, field)] : [];
    });
    return [...fields, ...(isNeverSkipped(step) ? ["on_skip"] : [])].map((field) => `steps[${i}].${field}`);
  });

/** It says what its own false condition means, and has none. */
const isNeverSkipped = ({ on_skip, condition }: StepInput): boolean =>
  on_skip === "skip_dependents" && condition === undefined;

/** The step without the settings that have no effect for it. How retries back off is shown for every step. */
export const ofEffectIn = (step: StepInput): StepInput =>
  Object.fromEntries(
    Object.entries(step).filter(([field]) => {
      if (field === "on_skip" && isNeverSkipped(step)) return false;
      const types = TYPES_OF_FIELDS.get(field);
      return !types || field === "retry_backoff" || types.includes(step.step_type as StepType);
    }),
  ) as StepInput;

export const withoutIgnored = <Body extends object, Field extends string>(body: Body, ignored: readonly Field[]) =>
  Object.fromEntries(Object.entries(body).filter(([field]) => !(ignored as readonly string[]).includes(field))) as Omit<
    Body,
    Field
  >;

/** The unsupported fields whose value asks for an effect. */
export function unsupportedIn(body: object, unsupported: Record<string, readonly unknown[]>): string[] {
  return Object.entries(unsupported).flatMap(([field, harmless]) => {
    const value: unknown = Reflect.get(body, field);
    return value === undefined || harmless.some((each) => stringifyJson(each) === stringifyJson(value)) ? [] : [field];
  });
}
