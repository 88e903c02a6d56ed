import { status } from "@grpc/grpc-js";
import { isGrpcServiceError } from "@temporalio/client";
import type { Temporal } from "./connection.ts";
import { isUnanswered } from "./query-run.ts";
import { whereabouts } from "./whereabouts.ts";

interface Deps {
  temporal: Temporal;
}

/** As temporal.api.enums.v1.HistoryEventFilterType numbers it. */
const CLOSE_EVENT = 2;
/** A long poll is answered so long before its deadline, if there is no news. */
const ANSWERED_BEFORE_MS = 1_000;

/**
 * Whether the run's workflow ends within `withinSecs`, in whatever way; while Temporal is silent it takes a second more to say that it
 * does not. (Under a deadline, the SDK's `result()` would ask a running workflow without a pause in the last second: then the server has
 * no time left to wait in, and answers at once.)
 */
export async function ends(deps: Deps, runId: string, withinSecs: number): Promise<boolean> {
  try {
    return await isClosedWithin(deps, runId, withinSecs * 1000);
  } catch (error) {
    if (isUnanswered(error)) return false;
    throw error;
  }
}

async function isClosedWithin({ temporal }: Deps, runId: string, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  const request = {
    namespace: temporal.options.namespace,
    execution: { workflowId: runId },
    waitNewEvent: true,
    skipArchival: true,
    historyEventFilterType: CLOSE_EVENT,
  };
  /** With it, the same execution is asked for again. A closed one has none. */
  let nextPageToken: Uint8Array | undefined;
  for (let left = ms; left > 0; left = end - performance.now()) {
    const deadline = Date.now() + left + ANSWERED_BEFORE_MS;
    const poll = () => temporal.workflowService.getWorkflowExecutionHistory({ ...request, nextPageToken });
    const answer = await temporal.withDeadline(deadline, poll).catch(async (error) => {
      if (!isGrpcServiceError(error) || error.code !== status.NOT_FOUND) throw error;
      // Or the namespace is not there, which throws.
      await temporal.withDeadline(deadline, () => whereabouts({ temporal }, runId));
    });
    const isContinued = answer?.history?.events?.some((event) => event.workflowExecutionContinuedAsNewEventAttributes);
    if (!isContinued && !answer?.nextPageToken?.length) return true;
    nextPageToken = isContinued ? undefined : answer?.nextPageToken;
  }
  return false;
}
