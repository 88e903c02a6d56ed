import { MAX_EVENT_KEY_BYTES } from "../../workflows/engine/steps/event-keys.ts";

/** What is wrong with an event key, whoever names it: a step that waits, or the sender of an event. */
export function eventKeyProblem(key: string): string | undefined {
  if (key === "") return "event key is required";
  if (Buffer.byteLength(key) > MAX_EVENT_KEY_BYTES)
    return `event key must be at most ${MAX_EVENT_KEY_BYTES} characters`;
  if (/[\p{Cc}\p{Surrogate}]/u.test(key))
    return "event key contains invalid characters (control characters not allowed)";
  return undefined;
}
