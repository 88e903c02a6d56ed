import type { StepInput } from "../../../src/contract/steps.ts";
import type { StepType } from "../../../src/contract/steps/index.ts";
import type { OnFailure, OnSkip, ResourceClass, RetryBackoff } from "../../../src/contract/workflows.ts";
import { quoted } from "../../expressions/printed.ts";
import { atLeastZero, type Fault, fault, keyFaults } from "../steps/fault.ts";
import { STEP_KINDS } from "../steps/index.ts";
import { type Around, referenceFaults } from "./reference-rules.ts";

const ON_FAILURE: Record<OnFailure, true> = { fail_workflow: true, skip_dependents: true, continue: true };
const ON_SKIP: Record<OnSkip, true> = { run: true, skip_dependents: true };
const BACKOFFS: Record<RetryBackoff, true> = { exponential: true, fixed: true };
const CLASSES: Record<ResourceClass, true> = { small: true, medium: true, large: true };

const MAX_CONCURRENCY_KEY = 128;

/** The refusals that published clients know, in the order and the words that they know. */
export function* shapeFaults(step: StepInput, refs: ReadonlySet<string>): Generator<Fault> {
  if (Object.hasOwn(STEP_KINDS, step.step_type)) yield* STEP_KINDS[step.step_type as StepType].lacks(step);
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

/** Whatever else could not run, or would be ignored. Every message names the step. */
export function* contentFaults(step: StepInput, around: Around): Generator<Fault> {
  for (const { field, message } of unnamedFaults(step, around)) {
    yield { field, message: `step ${quoted(step.step_ref)}: ${message}` };
  }
}

function* unnamedFaults(step: StepInput, around: Around): Generator<Fault> {
  yield* oneOf(step, "step_type", STEP_KINDS);
  yield* oneOf(step, "on_failure", ON_FAILURE);
  yield* oneOf(step, "on_skip", ON_SKIP);
  yield* oneOf(step, "retry_backoff", BACKOFFS);

  const named = new Set<string>();
  const twice = step.depends_on.find((ref) => named.size === named.add(ref).size);
  if (twice !== undefined) yield fault("depends_on", `depends_on names ${quoted(twice)} twice`);
  for (const kind of Object.values(STEP_KINDS)) yield* kind.faults(step);
  yield* keyFaults(step, "event_emit_key");

  yield* referenceFaults(step, around);
}

// The type says that it is one of them; the definition may not.
function* oneOf(
  step: StepInput,
  field: "step_type" | "on_failure" | "on_skip" | "retry_backoff" | "resource_class",
  choices: object,
): Generator<Fault> {
  const choice = step[field];
  if (choice !== undefined && !Object.hasOwn(choices, choice))
    yield fault(field, `${field} must be one of ${Object.keys(choices).join(", ")}`);
}
