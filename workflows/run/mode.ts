import { workflowInfo } from "@temporalio/workflow";

/**
 * How a run goes on. "normal": by its rules. "draining": nothing new is started, so that a new execution can soon take over.
 * "interrupted": a command waits for the end of this workflow task, and nothing follows from anything until it is heard.
 */
export type Mode = "normal" | "draining" | "interrupted";

/**
 * Once the server suggests a continue-as-new, a run goes on in a new execution at the first moment without an activity.
 * From this many events on it drains until that moment comes; the server's limit is 51,200.
 */
const DRAIN_AT_HISTORY_LENGTH = 20_000;
/** An execution that begins with thousands of timers is suggested another one at once: it has to get somewhere first. */
const HISTORY_A_TIMER = 3;

/** Whether a new execution, which would begin with that many timers, is to take over as soon as one can. */
export function isLong(timers: number): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested && historyLength > HISTORY_A_TIMER * timers;
}

/** Of a long one: nothing is started any more, though activities go on. */
export const isTooLong = (): boolean => workflowInfo().historyLength > DRAIN_AT_HISTORY_LENGTH;
