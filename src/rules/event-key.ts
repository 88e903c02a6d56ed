import { MAX_EVENT_KEY_BYTES, reservedKeyProblem } from "../../workflows/engine/steps/event-keys.ts";

/** What is wrong with an event key, whoever names it: a step that waits, or the sender of an event. */
export function eventKeyProblem(key: string): string | undefined {
  if (key === "") return "event key is required";
  if (Buffer.byteLength(key) > MAX_EVENT_KEY_BYTES)
    return `event key must be at most ${MAX_EVENT_KEY_BYTES} characters`;
  if (/[\p{Cc}\p{Surrogate}]/u.test(key))
    return "event key contains invalid characters (control characters not allowed)";
  return undefined;
}

/** The same of the key that a step is to wait for, once its references are put in. */
export function renderedKeyProblem(key: string): string | undefined {
  const problem = eventKeyProblem(key);
  if (problem !== undefined) return problem;
  const reserved = reservedKeyProblem(key);
  return reserved === undefined ? undefined : `event key ${JSON.stringify(key)} ${reserved}`;
}
