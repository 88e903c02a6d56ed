import { isMap } from "./fields.ts";
import { type Json, stringifyJson } from "./json.ts";
import type { StepInput } from "./steps.ts";
import type { StepType } from "./workflows.ts";

/** What published clients send and has no effect here, by body. It is taken, and the answer's X-Ignored-Fields names it. */
export const IGNORED = {
  workflow: ["timezone", "environment_id", "max_attempts", "retry_strategy", "webhook_url", "webhook_secret"],
  job: [
    "timezone",
    "environment_id",
    "group_id",
    "execution_window_cron",
    "rate_limit_max",
    "rate_limit_window_secs",
    "dedup_window_secs",
    "webhook_url",
    "webhook_secret",
  ],
  trigger: ["labels", "priority", "metadata"],
  approve: ["approver"],
} as const;

/** Fields without an effect yet, by body, with the values that ask for none. Any other value is refused. */
export const UNSUPPORTED = {
  workflow: { cron: [""], cron_timezone: [""], skip_if_running: [false] },
  job: {
    cron: [""],
    version_policy: ["pin"],
    max_concurrency: [0],
    run_ttl_secs: [0],
    retry_strategy: ["exponential"],
    retry_delays_secs: [[]],
    // As schemas, these let everything through.
    payload_schema: [{}, true],
    result_schema: [{}, true],
  },
} as const;

/** Those of the ignored fields that a body names. A null says the same as nothing. */
export const sent =
  (ignored: readonly string[]) =>
  (body: Json | undefined): string[] => {
    if (!isMap(body)) return [];
    return ignored.filter((field) => Object.hasOwn(body, field) && body[field] !== null);
  };

/** Of a step, what counts only for these types; all else counts for every type. */
const FIELDS_OF_TYPES: Partial<Record<keyof StepInput, StepType[]>> = {
  job_id: ["job"],
  job: ["job"],
  payload: ["job", "sub_workflow"],
  retry_max_attempts: ["job"],
  retry_backoff: ["job"],
  retry_initial_delay_secs: ["job"],
  retry_max_delay_secs: ["job"],
  timeout_secs_override: ["job"],
  output_transform: ["job"],
  event_emit_key: ["job", "wait_for_event", "sleep"],
  approval_approvers: ["approval"],
  approval_timeout_secs: ["approval"],
  event_key: ["wait_for_event"],
  event_timeout_secs: ["wait_for_event"],
  event_notify_url: ["wait_for_event"],
  sleep_duration_secs: ["sleep"],
  sub_workflow_id: ["sub_workflow"],
  workflow: ["sub_workflow"],
  max_nesting_depth: ["sub_workflow"],
};
/** What says the same as nothing. */
const NOTHING: unknown[] = [undefined, 0, "", "exponential"];

/** Fields of steps that belong to steps of another type: steps[2].output_transform. */
export const ofOtherTypes = (steps: StepInput[]): string[] =>
  steps.flatMap((step, i) =>
    Object.entries(FIELDS_OF_TYPES).flatMap(([field, types]) => {
      const isSent = !NOTHING.includes(step[field as keyof StepInput]);
      return isSent && !types.includes(step.step_type as StepType) ? [`steps[${i}].${field}`] : [];
    }),
  );

/** The step without what has no effect on one of its type. How retries back off is shown of every step. */
export const ofItsType = (step: StepInput): StepInput =>
  Object.fromEntries(
    Object.entries(step).filter(([field]) => {
      const types = FIELDS_OF_TYPES[field as keyof StepInput];
      return !types || field === "retry_backoff" || types.includes(step.step_type as StepType);
    }),
  ) as StepInput;

export const withoutIgnored = <Body extends object, Field extends string>(body: Body, ignored: readonly Field[]) =>
  Object.fromEntries(Object.entries(body).filter(([field]) => !(ignored as readonly string[]).includes(field))) as Omit<
    Body,
    Field
  >;

/** Those of the unsupported fields that have a value which asks for an effect. */
export function unsupportedIn(body: object, unsupported: Record<string, readonly unknown[]>): string[] {
  return Object.entries(unsupported).flatMap(([field, harmless]) => {
    const value: unknown = Reflect.get(body, field);
    return value === undefined || harmless.some((each) => stringifyJson(each) === stringifyJson(value)) ? [] : [field];
  });
}
