import { z } from "zod";
import { json, line, list, members, whole } from "./fields.ts";
import type { WorkflowStep } from "./workflows.ts";

/** What only a stored step has. */
type Made = "id" | "workflow_id" | "created_at" | "sub_workflow_version_id";
type Choices = "step_type" | "on_failure" | "retry_backoff" | "resource_class";

/** A step as a definition gives it, aliases resolved and defaults filled in. Whether it makes sense is for validate.ts to say. */
export type StepInput = Omit<WorkflowStep, Made | "on_skip" | Choices> & Record<Choices, string> & { on_skip?: string };

/** Of the largest workflow that any server is set to take (MAX_STEPS). */
export const MOST_STEPS = 10_000;
const MAX_APPROVERS = 1_000;

// Long enough that the rule with better words, which names the step, is the one that speaks.
const word = line(4096);

/** Step input under the server's names and those of the published SDKs and docs (docs/definitions.md, A step). */
export const stepInput = members({
  step_ref: z.string().default(""),
  step_type: z.string().optional(),
  type: z.string().optional(),
  job_id: word.optional(),
  job: word.optional(),
  depends_on: list(z.string(), MOST_STEPS).default([]),
  condition: json.optional(),
  on_failure: z.string().default("fail_workflow"),
  on_skip: z.string().optional(),
  payload: json.optional(),
  approval_timeout_secs: whole.optional(),
  approval_approvers: list(line(255), MAX_APPROVERS).optional(),
  approvers: list(line(255), MAX_APPROVERS).optional(),
  timeout_secs: whole.optional(),
  retry_max_attempts: whole.optional(),
  retry_backoff: z.string().default("exponential"),
  retry_initial_delay_secs: whole.optional(),
  retry_max_delay_secs: whole.optional(),
  timeout_secs_override: whole.optional(),
  output_transform: word.optional(),
  sub_workflow_id: word.optional(),
  workflow: word.optional(),
  max_nesting_depth: whole.optional(),
  event_key: word.optional(),
  event_timeout_secs: whole.optional(),
  event_notify_url: line(2048).optional(),
  event_emit_key: word.optional(),
  sleep_duration_secs: whole.optional(),
  sleep_duration: z.string().max(100).optional(),
  concurrency_key: word.optional(),
  resource_class: z.string().default("small"),
}).transform((given, ctx): StepInput => {
  const { type, approvers, timeout_secs, sleep_duration, ...step } = given;
  const complain = (field: string, message: string) => ctx.addIssue({ code: "custom", path: [field], message });

  if (type !== undefined && step.step_type !== undefined && type !== step.step_type)
    complain("type", "contradicts step_type");
  const step_type = step.step_type ?? type ?? typeByFields(given);

  if (approvers && step.approval_approvers) complain("approvers", "give approvers or approval_approvers, not both");
  const slept = sleep_duration === undefined ? undefined : secondsOf(sleep_duration);
  if (sleep_duration !== undefined && slept === undefined)
    complain("sleep_duration", 'must be a duration of whole seconds, like "90s" or "1h30m"');
  if (slept !== undefined && step.sleep_duration_secs !== undefined) {
    complain("sleep_duration", "give sleep_duration or sleep_duration_secs, not both");
  }
  const timeoutField = { approval: "approval_timeout_secs", wait_for_event: "event_timeout_secs" }[step_type];
  if (timeout_secs !== undefined && timeoutField === undefined)
    complain("timeout_secs", "only approval and wait_for_event steps have one");
  if (timeout_secs !== undefined && timeoutField && timeoutField in step)
    complain("timeout_secs", `give timeout_secs or ${timeoutField}, not both`);

  return {
    ...step,
    step_type,
    ...(approvers && { approval_approvers: approvers }),
    ...(slept !== undefined && { sleep_duration_secs: slept }),
    ...(timeout_secs !== undefined && timeoutField && { [timeoutField]: timeout_secs }),
  };
});

/** The published TypeScript builders drop the type: what else a step says tells it. */
function typeByFields(given: { [field: string]: unknown }): string {
  const says = (...fields: string[]) => fields.some((field) => given[field] !== undefined);
  if (says("job_id", "job")) return "job";
  if (says("event_key")) return "wait_for_event";
  if (says("sleep_duration_secs", "sleep_duration")) return "sleep";
  return says("sub_workflow_id", "workflow") ? "sub_workflow" : "job";
}

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** "1h30m" → 5400; undefined unless it is a whole number of seconds that a timer can hold. */
function secondsOf(duration: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(duration)) return undefined;
  let seconds = 0;
  for (const [, amount, unit = ""] of duration.matchAll(/([\d.]+)([a-z]+)/g))
    seconds += Number(amount) * (UNITS[unit] ?? Number.NaN);
  return whole.safeParse(seconds).data;
}
