import { ApplicationFailure } from "@temporalio/common";
import type { AttemptFailure } from "./activity-types.ts";

/** The endpoint's own failure, which no other worker and no later try would change. */
export const isFinal = (error: unknown): error is ApplicationFailure =>
  error instanceof ApplicationFailure && error.nonRetryable === true;

export const failureOf = ({ message, type, details }: ApplicationFailure): AttemptFailure => ({
  message,
  type: type ?? "unknown",
  details: details ?? [],
});
