import { workflowInfo, type WorkflowInterceptors } from "@temporalio/workflow";

/** The id of a query that came by itself and not with a workflow task; nothing but its answer ends it. */
const BY_ITSELF = "legacy";

/** Where the run was when it asked for the local activity that holds its workflow task. */
let heldSince: { historyLength: number; isReplaying: boolean } | undefined;

/** A local activity holds the workflow task, until `taskIsFree`. */
export function holdTask(): void {
  const { historyLength, unsafe } = workflowInfo();
  heldSince = { historyLength, isReplaying: unsafe.isReplaying };
}

export function taskIsFree(): void {
  heldSince = undefined;
}

/**
 * What the SDK lets happen to a task that is held, and a replay would not repeat.
 *
 * A query that comes with a task would be answered while the task is held, and the task handed in for another one. A replay
 * sees the two as one, or the activity's result in the first one already: then signals and clock differ from what the run saw,
 * and the run can never be replayed again. So such a query is not answered: the server asks it again, by itself, when the task
 * is done.
 *
 * A worker that had no processor for as long as a task may take gets the next task of the run while the activity of the lost one
 * goes on, and the SDK has the run go on from there: a replay, which knows nothing of lost tasks, would see it otherwise. So that
 * next task fails, and the run is made anew from its history. What the SDK had handed in in time may look the same: that costs a
 * try. What a replay has asked for is of a task that is in the history.
 */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      activate(input, next) {
        const { historyLength, isReplaying } = input.activation;
        const isOther = heldSince && !heldSince.isReplaying && heldSince.historyLength !== historyLength;
        if (isOther && !isReplaying)
          throw new Error("the workflow task before was lost while a local activity went on: the run is replayed");
        next(input);
      },
      concludeActivation({ commands }, next) {
        return next({
          commands: commands.filter(
            ({ respondToQuery }) => !heldSince || !respondToQuery || respondToQuery.queryId === BY_ITSELF,
          ),
        });
      },
    },
  ],
});
