import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from "@temporalio/workflow";
import type { AttemptFailure, Carried, Heartbeat } from "../activity-types.ts";
import { failureOf, isFinal } from "../attempt-failure.ts";
import { type Attempt, completed, failed } from "../attempt-input.ts";
import type { InboundEvent } from "../engine/events.ts";
import { stepDispatch, stepDispatchAt } from "../proxies.ts";

/**
 * Awaits an attempt as an ordinary, heartbeating activity: at the process of queue `at`, or else anywhere. When nothing is
 * heard of it any more, the process that made it is asked first, which may only have been cut off from the server: as it
 * told with its heartbeats, or else the `likely` one. `lost`: that process is gone. Throws a cancellation.
 *
 * What became of an activity is read off its failure alone: that of an open run may have been scheduled by an older
 * interpreter, elsewhere than today's would have.
 */
export async function dispatch(
  attempt: Attempt,
  rules: number,
  at: string | undefined,
  likely: string | undefined,
  lost: () => void,
): Promise<InboundEvent> {
  const { step_ref, input } = attempt;
  for (let queue = at; ; ) {
    const activities = queue === undefined ? stepDispatch(step_ref, rules) : stepDispatchAt(queue, step_ref);
    try {
      const { output } = await activities.dispatchJob(input);
      return completed(attempt, output);
    } catch (error) {
      const cause = causeOf(error);
      if (isFinal(cause)) return failed(attempt, failureOf(cause));
      const told = toldBy(error as ActivityFailure);
      if (told.isLost || (queue !== undefined && !told.isSilent)) {
        lost();
        queue = undefined;
      } else if (told.isSilent) queue = told.queue ?? likely;
      else return failed(attempt, unexpected(error as ActivityFailure));
      if (told.text !== undefined) input.carried = { text: told.text };
    }
  }
}

/** Why the activity failed. A cancellation is not news: whoever cancelled knows. */
function causeOf(error: unknown): Error | undefined {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  return error.cause;
}

const unexpected = ({ cause, message }: ActivityFailure): AttemptFailure => ({
  message: cause?.message ?? message,
  type: "unknown",
  details: [],
});

interface Told extends Heartbeat {
  /** Its heartbeats stayed away. */
  isSilent?: boolean;
  /** The process that was to go on with it is gone, or goes. */
  isLost?: boolean;
}

/** With it comes the endpoint's answer, if there was one that could not be stored before the worker was gone. */
function toldBy({ cause }: ActivityFailure): Told {
  if (cause instanceof TimeoutFailure) {
    const { timeoutType } = cause;
    const told = cause.lastHeartbeatDetails as Heartbeat | undefined;
    return { ...told, isSilent: timeoutType === "HEARTBEAT", isLost: timeoutType === "SCHEDULE_TO_START" };
  }
  if (!(cause instanceof ApplicationFailure)) return {};
  return { ...(cause.details?.[0] as Carried | undefined), isLost: cause.type === "WorkerShutdown" };
}
