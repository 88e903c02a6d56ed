import { setCurrentDetails, type WorkflowInterceptors } from "@temporalio/workflow";

/** By which the Temporal Web UI asks for a workflow's current details. */
const ASKED_BY = "__temporal_workflow_metadata";

let draw: (() => string) | undefined;

/** The run's current details are drawn whenever they are looked at: at each change of each run that would cost more than the change. */
export function showWhenAsked(details: () => string): void {
  draw = details;
}

export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      // The SDK's own queries pass no handleQuery interceptor. They come in an activation without anything else.
      activate(input, next) {
        if (draw && input.activation.jobs?.some(({ queryWorkflow }) => queryWorkflow?.queryType === ASKED_BY))
          setCurrentDetails(draw());
        next(input);
      },
    },
  ],
});
