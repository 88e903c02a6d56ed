import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from "@temporalio/workflow";
import type { AttemptFailure, Carried } from "../activities/index.ts";
import { stepDispatch, stepDispatchAt } from "./activities.ts";
import { type Attempt, completed, failed } from "./attempt.ts";
import type { News } from "./engine/events.ts";

/**
 * Awaits an attempt as an ordinary, heartbeating activity: at the process of that queue, or else anywhere. `lost`: that
 * process is gone. Throws a cancellation.
 */
export async function dispatch(attempt: Attempt, queue: string | undefined, lost: () => void): Promise<News> {
  const { step_ref, input } = attempt;
  if (queue !== undefined) {
    try {
      const { output } = await stepDispatchAt(queue, step_ref).dispatchJob(input);
      return completed(attempt, output);
    } catch (error) {
      const failure = failureOf(error);
      if (failure) return failed(attempt, failure);
      lost();
      input.carried = carriedBy(error as ActivityFailure);
    }
  }
  try {
    const { output } = await stepDispatch(step_ref).dispatchJob(input);
    return completed(attempt, output);
  } catch (error) {
    return failed(attempt, failureOf(error) ?? unexpected(error as ActivityFailure));
  }
}

/** The endpoint's own failure, which no other worker and no later try would change. A cancellation is not news: whoever cancelled knows. */
function failureOf(error: unknown): AttemptFailure | undefined {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || !cause.nonRetryable) return undefined;
  return { message: cause.message, type: cause.type ?? "unknown", details: cause.details ?? [] };
}

const unexpected = ({ cause, message }: ActivityFailure): AttemptFailure => ({
  message: cause?.message ?? message,
  type: "unknown",
  details: [],
});

/** The endpoint's answer, if it came but could not be stored before the worker was gone. */
function carriedBy({ cause }: ActivityFailure): Carried | undefined {
  if (cause instanceof TimeoutFailure) return cause.lastHeartbeatDetails as Carried | undefined;
  return cause instanceof ApplicationFailure ? (cause.details?.[0] as Carried | undefined) : undefined;
}
