import { Worker } from "@temporalio/worker";
import type { Computing, TaskWatch } from "./task-watch.ts";
import { DEFINITION_ATTRIBUTE } from "../../workflows/messages.ts";

/**
 * A worker that trusts its workflows to come to an end. The SDK has a thread watch each entry of the sandbox, to end what
 * computes for 5 s; to start and join those threads is a quarter of what a replay costs, and no option leaves them out.
 * The price: a loop without end in our interpreter would hold its thread for good. No input makes one: its loops are as long
 * as the run has steps, and patterns in conditions are matched in linear time. Should there be one after all, `watch` tells,
 * and runs of the definitions that are `suspected` from then on are watched by the SDK, in threads of their own.
 */
export const untimedWorker = (watch: TaskWatch, suspected: ReadonlySet<string> = new Set()): typeof Worker =>
  class extends Worker {
    protected static override createWorkflowCreator: typeof Worker.createWorkflowCreator = async (
      bundle,
      options,
      logger,
    ) => {
      const creatorWith = (isolateExecutionTimeoutMs: number) =>
        super.createWorkflowCreator(bundle, { ...options, isolateExecutionTimeoutMs }, logger);
      const creator = await creatorWith(undefined as never);
      let timed: Promise<typeof creator> | undefined;
      return {
        async createWorkflow(created) {
          const { workflowId, typedSearchAttributes } = created.info;
          const definition = typedSearchAttributes?.get(DEFINITION_ATTRIBUTE);
          if (definition !== undefined && suspected.has(definition)) {
            timed ??= creatorWith(options.isolateExecutionTimeoutMs);
            return (await timed).createWorkflow(created);
          }
          const of: Computing = { runId: workflowId, definition };
          const workflow = await watch.during(of, creator.createWorkflow(created));
          const activate = workflow.activate.bind(workflow);
          workflow.activate = (activation) => watch.during(of, activate(activation));
          return workflow;
        },
        async destroy() {
          await Promise.all([creator.destroy(), timed?.then((made) => made.destroy())]);
        },
      };
    };
  };
