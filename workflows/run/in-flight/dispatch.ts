import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from "@temporalio/workflow";
import type { AttemptFailure, Heartbeat, UnsavedOutput } from "../../activity-types.ts";
import { failureOf, isFinal } from "../../attempt-failure.ts";
import { type Attempt, completed, failed } from "../../attempt-input.ts";
import type { InboundEvent } from "../../engine/events.ts";
import { stepDispatch, stepDispatchAt } from "../../proxies.ts";

/**
 * Awaits an attempt as an ordinary, heartbeating activity: at the process of `queue`, or else anywhere. When its heartbeats
 * stay away, the process that makes the call may only have been cut off from the server, and is tried before any other:
 * the one that its last heartbeat named, or else the one of `likelyQueue`. `onLost`: that process is gone. Throws a
 * cancellation.
 *
 * What became of an activity is read off its failure alone: that of an open run may have been scheduled by an older
 * interpreter, elsewhere than today's would have.
 */
export async function dispatch(
  attempt: Attempt,
  rules: number,
  queue: string | undefined,
  likelyQueue: string | undefined,
  onLost: () => void,
): Promise<InboundEvent> {
  const { step_ref, input } = attempt;
  for (let at = queue; ; ) {
    const activities = at === undefined ? stepDispatch(step_ref, rules) : stepDispatchAt(at, step_ref);
    try {
      const { output } = await activities.dispatchJob(input);
      return completed(attempt, output);
    } catch (error) {
      const failure = activityFailure(error);
      if (isFinal(failure.cause)) return failed(attempt, failureOf(failure.cause));
      const process = processOf(failure);
      if (process.isLost || (at !== undefined && !process.isSilent)) {
        onLost();
        at = undefined;
      } else if (process.isSilent) at = process.queue ?? likelyQueue;
      else return failed(attempt, unexpected(failure));
      input.fresh = undefined;
      if (process.text !== undefined) input.carried = { text: process.text };
    }
  }
}

/** A cancellation is rethrown: whoever cancelled knows. */
function activityFailure(error: unknown): ActivityFailure {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  return error;
}

const unexpected = ({ cause, message }: ActivityFailure): AttemptFailure => ({
  message: cause?.message ?? message,
  type: "unknown",
  details: [],
});

interface LastOfProcess extends Heartbeat {
  /** Its heartbeats stayed away. */
  isSilent?: boolean;
  /** The process that was to go on with it is gone, or goes. */
  isLost?: boolean;
}

/** What is known of the process that made the attempt; with the endpoint's answer, if that could not be stored before. */
function processOf({ cause }: ActivityFailure): LastOfProcess {
  if (cause instanceof TimeoutFailure) {
    const { timeoutType } = cause;
    const heartbeat = cause.lastHeartbeatDetails as Heartbeat | undefined;
    return { ...heartbeat, isSilent: timeoutType === "HEARTBEAT", isLost: timeoutType === "SCHEDULE_TO_START" };
  }
  if (!(cause instanceof ApplicationFailure)) return {};
  return { ...(cause.details?.[0] as UnsavedOutput | undefined), isLost: cause.type === "WorkerShutdown" };
}
