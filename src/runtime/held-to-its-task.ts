import { tsToMs } from "@temporalio/common/lib/time.js";
import type { coresdk } from "@temporalio/proto";

type Activation = coresdk.workflow_activation.IWorkflowActivation;
type Completion = coresdk.workflow_completion.IWorkflowActivationCompletion;
type Activate = (activation: Activation) => Promise<Completion>;

/** Says whether the workflow task that Temporal waits for is the one that began then, by its clock in ms. */
export type IsCurrent = (execution: { workflowId: string; runId: string }, began: number) => Promise<boolean>;

interface Task {
  historyLength: number;
  /** By Temporal's clock, in ms. */
  began: number;
}

/** A clock that is no worse than that would show a task as begun this much later, at most. */
const AHEAD_MS = 1_000;

const LOST = "the workflow task was lost while a local activity of it went on: the run is made anew from its history";

/**
 * A worker that had no processor for as long as a workflow task may take is given the next task of the run while the local activity of
 * the lost one goes on. The SDK then hands in what the lost one had seen as the next one's doing, without what has come with that: no
 * replay can follow. So what goes on after a local activity is in the task that asked for it, or the task fails and the run is made
 * anew. What a replay has asked for is of a task that is in the history, and goes on in whichever comes first.
 *
 * Temporal is only asked if the task is so old that it may be lost. From here on the SDK keeps a next one until this one is over.
 */
export function heldToItsTask(
  activate: Activate,
  { workflowId, runId, taskTimeoutMs }: { workflowId: string; runId: string; taskTimeoutMs: number },
  isCurrent: IsCurrent,
): Activate {
  let task: Task | undefined;
  let isHeld = false;

  const isStill = async ({ began, historyLength }: Task, here: Task) => {
    const age = Date.now() - began;
    const isYoung = historyLength === here.historyLength && age > -AHEAD_MS && age < taskTimeoutMs / 2;
    return isYoung || isCurrent({ workflowId, runId }, began);
  };

  return async (activation) => {
    const { jobs, historyLength, timestamp, isReplaying } = activation;
    if (!historyLength || !timestamp || jobs?.some(({ queryWorkflow }) => queryWorkflow)) return activate(activation);
    const here = isReplaying ? undefined : { historyLength, began: tsToMs(timestamp) };
    if (isHeld && here && !(await isStill(task ?? here, here)))
      return { runId, failed: { failure: { message: LOST } } };
    if (here?.historyLength !== task?.historyLength) task = here;
    const completion = await activate(activation);
    const hasEnded = jobs?.some(({ resolveActivity }) => resolveActivity?.isLocal);
    const asks = completion.successful?.commands?.some(({ scheduleLocalActivity }) => scheduleLocalActivity);
    isHeld = asks || (isHeld && !hasEnded);
    return completion;
  };
}
