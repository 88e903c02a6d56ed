import { CancelledFailure, type WorkflowInterceptors } from "@temporalio/workflow";
import type { Run } from "../engine/run.ts";

let isCanceled = false;

/** What a canceled run ends with. One of older rules may end as failed in Temporal, and its history holds that. */
export function canceled({ plan, state }: Run): CancelledFailure {
  isCanceled = (plan.run.rules ?? 0) >= 1;
  return new CancelledFailure(state.error ?? "canceled");
}

/**
 * The SDK closes a workflow as Canceled only where Temporal was asked to cancel it, and otherwise as Failed. A run is also
 * canceled with its parent; the server takes the word for it either way.
 */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation({ commands }, next) {
        const ended = commands.map((command) =>
          isCanceled && command.failWorkflowExecution ? { cancelWorkflowExecution: {} } : command,
        );
        return next({ commands: ended });
      },
    },
  ],
});
