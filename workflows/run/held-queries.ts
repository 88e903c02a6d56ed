import type { WorkflowInterceptors } from "@temporalio/workflow";
import { holdsTask } from "./quick-lane.ts";

/** The id of a query that came by itself and not with a workflow task; nothing but its answer ends it. */
const BY_ITSELF = "legacy";

/**
 * A query that comes with a workflow task would be answered while a local activity holds the task, and the task handed
 * in for another one. A replay sees the two as one, or the activity's result in the first one already: then signals and
 * clock differ from what the run saw, and the run can never be replayed again. So such a query is not answered: the
 * server asks it again, by itself, when the task is done.
 */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation({ commands }, next) {
        const isHeld = holdsTask();
        return next({
          commands: commands.filter(
            ({ respondToQuery }) => !isHeld || !respondToQuery || respondToQuery.queryId === BY_ITSELF,
          ),
        });
      },
    },
  ],
});
