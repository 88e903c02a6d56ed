import { ApplicationFailure, ApplicationFailureCategory } from "@temporalio/common";

/**
 * The failure of an attempt by which somebody else's server was to be told something. As a benign one it is tried again as any other,
 * and the SDK logs no stack of it: its line is ours.
 */
export function notOurs(error: unknown): ApplicationFailure {
  const nonRetryable = error instanceof ApplicationFailure && error.nonRetryable === true;
  const message = error instanceof Error ? error.message : String(error);
  return ApplicationFailure.create({ message, nonRetryable, category: ApplicationFailureCategory.BENIGN });
}
