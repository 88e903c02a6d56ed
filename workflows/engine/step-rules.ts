import type { StepInput } from "../../src/contract/steps.ts";
import type { OnFailure, OnSkip, ResourceClass, RetryBackoff, StepType } from "../../src/contract/workflows.ts";
import { reservedKeyProblem } from "./event-keys.ts";
import { outputPathProblem } from "../expressions/output-path.ts";
import { quoted } from "../expressions/printed.ts";
import { type Around, referenceFaults } from "./reference-rules.ts";

export interface Fault {
  field: string;
  message: string;
}

const STEP_TYPES: Record<StepType, true> = {
  job: true,
  approval: true,
  wait_for_event: true,
  sleep: true,
  sub_workflow: true,
};
const ON_FAILURE: Record<OnFailure, true> = { fail_workflow: true, skip_dependents: true, continue: true };
const ON_SKIP: Record<OnSkip, true> = { run: true, skip_dependents: true };
const BACKOFFS: Record<RetryBackoff, true> = { exponential: true, fixed: true };
const CLASSES: Record<ResourceClass, true> = { small: true, medium: true, large: true };

const MAX_EVENT_KEY_BYTES = 512;
const MAX_CONCURRENCY_KEY = 128;
const MAX_URL = 2048;

/** What published clients know to be refused of one step, in the order and the words that they know. */
export function* shapeFaults(step: StepInput, refs: ReadonlySet<string>): Generator<Fault> {
  switch (step.step_type) {
    case "job":
      if (!step.job_id && !step.job) yield fault("job_id", "job steps require job_id");
      break;
    case "approval":
      if (!step.approval_approvers?.length)
        yield fault("approval_approvers", "approval steps require approval_approvers");
      yield* atLeastZero(step, "approval_timeout_secs");
      break;
    case "sub_workflow":
      if (!step.sub_workflow_id && !step.workflow)
        yield fault("sub_workflow_id", "sub_workflow steps require sub_workflow_id");
      if (step.job_id) yield fault("job_id", "sub_workflow steps must not have job_id");
      yield* atLeastZero(step, "max_nesting_depth");
      break;
    case "wait_for_event":
      if (!step.event_key) yield fault("event_key", "wait_for_event steps require event_key");
      break;
    case "sleep":
      if (!((step.sleep_duration_secs ?? 0) > 0))
        yield fault("sleep_duration_secs", "sleep steps require sleep_duration_secs > 0");
      break;
  }
  yield* keyFaults(step, "event_key");
  yield* atLeastZero(step, "timeout_secs_override");
  if ((step.concurrency_key?.length ?? 0) > MAX_CONCURRENCY_KEY) {
    yield fault("concurrency_key", `concurrency_key must be at most ${MAX_CONCURRENCY_KEY} characters`);
  }
  yield* oneOf(step, "resource_class", CLASSES);
  for (const ref of step.depends_on) {
    if (ref === "") yield fault("depends_on", `step ${quoted(step.step_ref)} depends on an empty step_ref`);
    if (ref === step.step_ref) yield fault("depends_on", "step cannot depend on itself");
    if (!refs.has(ref))
      yield fault("depends_on", `step ${quoted(step.step_ref)} depends on unknown step ${quoted(ref)}`);
  }
}

/** What could not run, or would be ignored, besides. Every message names the step. */
export function* contentFaults(step: StepInput, around: Around): Generator<Fault> {
  for (const { field, message } of unnamedFaults(step, around)) {
    yield { field, message: `step ${quoted(step.step_ref)}: ${message}` };
  }
}

function* unnamedFaults(step: StepInput, around: Around): Generator<Fault> {
  yield* oneOf(step, "step_type", STEP_TYPES);
  yield* oneOf(step, "on_failure", ON_FAILURE);
  yield* oneOf(step, "on_skip", ON_SKIP);
  yield* oneOf(step, "retry_backoff", BACKOFFS);

  const named = new Set<string>();
  const twice = step.depends_on.find((ref) => named.size === named.add(ref).size);
  if (twice !== undefined) yield fault("depends_on", `depends_on names ${quoted(twice)} twice`);
  if (step.approval_approvers?.includes(""))
    yield fault("approval_approvers", "approval_approvers must not be empty names");

  yield* atLeastZero(step, "approval_timeout_secs");
  yield* atLeastZero(step, "max_nesting_depth");
  yield* atLeastZero(step, "event_timeout_secs");
  yield* atLeastZero(step, "sleep_duration_secs");
  yield* atLeastZero(step, "retry_max_attempts");
  yield* atLeastZero(step, "retry_initial_delay_secs");
  yield* atLeastZero(step, "retry_max_delay_secs");
  yield* keyFaults(step, "event_emit_key");

  const { event_notify_url: url, output_transform: path } = step;
  if (url && !isHttpUrl(url)) yield fault("event_notify_url", "event_notify_url must be an http or https URL");
  const pathProblem = path ? outputPathProblem(path) : undefined;
  if (pathProblem !== undefined) yield fault("output_transform", `output_transform ${pathProblem}`);
  yield* referenceFaults(step, around);
}

function fault(field: keyof StepInput, message: string): Fault {
  return { field, message };
}

type Quantity = {
  [Field in keyof StepInput]-?: NonNullable<StepInput[Field]> extends number ? Field : never;
}[keyof StepInput];

function* atLeastZero(step: StepInput, field: Quantity): Generator<Fault> {
  if ((step[field] ?? 0) < 0) yield fault(field, `${field} must be >= 0`);
}

// The type says that it is one of them; the definition may not.
function* oneOf(
  step: StepInput,
  field: "step_type" | "on_failure" | "on_skip" | "retry_backoff" | "resource_class",
  choices: Record<string, true>,
): Generator<Fault> {
  const choice = step[field];
  if (choice !== undefined && !Object.hasOwn(choices, choice))
    yield fault(field, `${field} must be one of ${Object.keys(choices).join(", ")}`);
}

// Placeholders may bring in control characters later, so the rendered key is looked at again when the step opens.
function* keyFaults(step: StepInput, field: "event_key" | "event_emit_key"): Generator<Fault> {
  const key = step[field] ?? "";
  if (new TextEncoder().encode(key).length > MAX_EVENT_KEY_BYTES)
    yield fault(field, `${field} must be at most ${MAX_EVENT_KEY_BYTES} bytes`);
  if (/\p{Cc}/u.test(key)) yield fault(field, `${field} must not contain control characters`);
  const reserved = reservedKeyProblem(key);
  if (reserved !== undefined) yield fault(field, `${field} ${reserved}`);
}

function isHttpUrl(text: string): boolean {
  return text.length <= MAX_URL && URL.canParse(text) && /^https?:/i.test(text);
}
