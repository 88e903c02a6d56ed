import type { StepInput } from "../../../src/contract/steps.ts";
import { MAX_EVENT_KEY_BYTES, reservedKeyProblem } from "./event-keys.ts";

/** What is wrong with a field of a step that is to be stored. */
export interface Fault {
  field: string;
  message: string;
}

export function fault(field: keyof StepInput, message: string): Fault {
  return { field, message };
}

type Quantity = {
  [Field in keyof StepInput]-?: NonNullable<StepInput[Field]> extends number ? Field : never;
}[keyof StepInput];

export function* atLeastZero(step: StepInput, ...fields: Quantity[]): Generator<Fault> {
  for (const field of fields) if ((step[field] ?? 0) < 0) yield fault(field, `${field} must be >= 0`);
}

// Placeholders may bring in control characters later, so the rendered key is looked at again when the step opens.
export function* keyFaults(step: StepInput, field: "event_key" | "event_emit_key"): Generator<Fault> {
  const key = step[field] ?? "";
  if (new TextEncoder().encode(key).length > MAX_EVENT_KEY_BYTES)
    yield fault(field, `${field} must be at most ${MAX_EVENT_KEY_BYTES} bytes`);
  if (/\p{Cc}/u.test(key)) yield fault(field, `${field} must not contain control characters`);
  const reserved = reservedKeyProblem(key);
  if (reserved !== undefined) yield fault(field, `${field} ${reserved}`);
}
