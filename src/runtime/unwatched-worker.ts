import { defaultPayloadConverter } from "@temporalio/common";
import type { coresdk } from "@temporalio/proto";
import { Worker } from "@temporalio/worker";
import { heldToItsTask, type IsCurrent } from "./held-to-its-task.ts";
import type { TaskWatch } from "./task-watch.ts";
import { workflowThreads } from "./workflow-threads.ts";
import { DEFINITION_ATTRIBUTE } from "../../workflows/web-ui/search-attributes.ts";

/**
 * A worker without the SDK's watchdog. The SDK starts a thread at each entry into the sandbox, to end what computes for 5 s. Starting
 * and joining these threads is a quarter of the cost of a replay, and no option turns them off. The price: an endless loop in our
 * interpreter would hold its thread for ever. No input causes one: the loops are bounded by the steps of the run, and patterns in
 * conditions are matched in linear time. If there should be one after all, `watch` notices it, and from then on runs of the
 * definitions that are `suspected` have the SDK's watchdog, in threads of their own.
 */
export const untimedWorker = (
  watch: TaskWatch,
  suspected: ReadonlySet<string> = new Set(),
  isCurrent: IsCurrent = async () => true,
): typeof Worker =>
  class extends Worker {
    protected static override createWorkflowCreator: typeof Worker.createWorkflowCreator = async (
      bundle,
      options,
      logger,
    ) => {
      const { workflowThreadPoolSize: threadPoolSize, reuseV8Context, activities } = options;
      const registeredActivityNames = new Set(activities.keys());
      const threadOptions = { workflowBundle: bundle, threadPoolSize, reuseV8Context, registeredActivityNames, logger };
      const creatorWith = (isolateExecutionTimeoutMs: number) =>
        options.debugMode
          ? super.createWorkflowCreator(bundle, { ...options, isolateExecutionTimeoutMs }, logger)
          : workflowThreads({ ...threadOptions, isolateExecutionTimeoutMs });
      const untimed = await creatorWith(undefined as never);
      let timed: Promise<typeof untimed> | undefined;

      type Options = Parameters<typeof untimed.createWorkflow>[0];
      type Workflow = Awaited<ReturnType<typeof untimed.createWorkflow>>;
      const begin = async (options: Options, definition: string | undefined) => {
        const of = { runId: options.info.workflowId, definition };
        const workflow = await watch.during(of, untimed.createWorkflow(options));
        const activate = workflow.activate.bind(workflow);
        workflow.activate = (activation) => watch.during(of, activate(activation));
        return workflow;
      };
      const beginTimed = async (created: Options) => {
        timed ??= creatorWith(options.isolateExecutionTimeoutMs);
        return (await timed).createWorkflow(created);
      };
      return {
        // The definition is known only when the workflow is activated.
        async createWorkflow(created) {
          let workflow: ReturnType<typeof begin> | undefined;
          const activate: Workflow["activate"] = async (activation) => {
            const definition = definitionOf(activation);
            const isSuspected = definition !== undefined && suspected.has(definition);
            workflow ??= isSuspected ? beginTimed(created) : begin(created, definition);
            return (await workflow).activate(activation);
          };
          return {
            activate: heldToItsTask(activate, created.info, isCurrent),
            getAndResetSinkCalls: async () => (await workflow)?.getAndResetSinkCalls() ?? [],
            dispose: async () => (await workflow)?.dispose(),
          };
        },
        async destroy() {
          await Promise.all([untimed.destroy(), timed?.then((creator) => creator.destroy())]);
        },
      };
    };
  };

/** The definition that the first activation of a workflow names. */
function definitionOf({ jobs }: coresdk.workflow_activation.IWorkflowActivation): string | undefined {
  const { memo, searchAttributes } = jobs?.[0]?.initializeWorkflow ?? {};
  // Of runs that were begun before there was the memo, the attribute is the id.
  const payload = memo?.fields?.definition_id ?? searchAttributes?.indexedFields?.[DEFINITION_ATTRIBUTE.name];
  return payload ? defaultPayloadConverter.fromPayload<string>(payload) : undefined;
}
