import { readFile } from "node:fs/promises";
import { defaultPayloadConverter, type Payload, TypedSearchAttributes } from "@temporalio/common";
import proto from "@temporalio/proto";
import { DefaultLogger, Worker } from "@temporalio/worker";
import { parseWorkflowCode } from "@temporalio/worker/lib/worker.js";
import { inject } from "vitest";
import type { Activities } from "../../workflows/activity-types.ts";
import type { MirrorRows } from "../../workflows/engine/mirror/rows.ts";
import type { RunInput } from "../../workflows/messages.ts";

type Job = proto.coresdk.workflow_activation.IWorkflowActivationJob;
type Command = proto.coresdk.workflow_commands.IWorkflowCommand;

const ACTIVITIES: (keyof Activities)[] = ["playAhead", "recall", "mirror", "dispatchJob"];
const RUN_ID = "execution";

export const payload = (value: unknown) => defaultPayloadConverter.toPayload(value);
export const fromPayload = <Value>(of: Payload | null | undefined) =>
  defaultPayloadConverter.fromPayload<Value>(of as Payload);

class Opened extends Worker {
  static creatorOf(worker: typeof Worker, ...args: Parameters<typeof Worker.createWorkflowCreator>) {
    return worker.createWorkflowCreator(...args);
  }
}

interface Options {
  historyLength?: number;
  /** The class of the worker that runs the workflow, and after how long its watchdog bites. */
  worker?: typeof Worker;
  watchdogMs?: number;
}

/** A workflow run in the SDK's sandbox, by hand: without a server, the test says what each activation brings. */
export async function sandboxed(input: RunInput, begin: number, options: Options = {}) {
  const { worker = Worker, watchdogMs = 5_000 } = options;
  let { historyLength = 3 } = options;
  const bundlePath = inject("bundlePath");
  const compiled = {
    ...{ activities: new Map(ACTIVITIES.map((name) => [name, {}])), isolateExecutionTimeoutMs: watchdogMs },
    // In this thread.
    ...{ debugMode: true, reuseV8Context: true },
  };
  const bundle = parseWorkflowCode(await readFile(bundlePath, "utf8"), bundlePath);
  const creator = await Opened.creatorOf(worker, bundle, compiled as never, new DefaultLogger("ERROR"));
  const workflow = await creator.createWorkflow({
    info: {
      ...{ workflowId: "run", runId: RUN_ID, workflowType: "workflowRun", historyLength, taskQueue: "runs" },
      ...{ searchAttributes: {}, typedSearchAttributes: new TypedSearchAttributes(), namespace: "default" },
      unsafe: { isReplaying: false, isReplayingHistoryEvents: false, now: Date.now, random: {} },
    } as never,
    randomnessSeed: [1, 2, 3, 4],
    now: begin,
    showStackTraceSources: false,
  });

  let isReplaying = false;
  async function activate(at: number, ...jobs: Job[]): Promise<Command[]> {
    const activation = proto.coresdk.workflow_activation.WorkflowActivation.fromObject({
      ...{ runId: RUN_ID, historyLength, historySizeBytes: 1, jobs, isReplaying },
      timestamp: { seconds: Math.floor(at / 1000), nanos: Math.round((at % 1000) * 1_000) * 1_000 },
    });
    const { successful, failed } = await workflow.activate(activation);
    if (failed) throw Object.assign(new Error(failed.failure?.message ?? ""), { stack: failed.failure?.stackTrace });
    return successful?.commands ?? [];
  }

  const initializeWorkflow = { workflowType: "workflowRun", workflowId: "run", arguments: [payload(input)] };
  return {
    activate,
    begins: () => activate(begin, { initializeWorkflow }),
    /** What is activated from here on comes with another workflow task. */
    nextTask: () => {
      historyLength += 4;
    },
    /** What is activated meanwhile is in the history, and another worker's doing. */
    async replaying<Result>(work: () => Promise<Result>): Promise<Result> {
      isReplaying = true;
      return work().finally(() => {
        isReplaying = false;
      });
    },
    /** What the sinks were called with since this was last asked. */
    told: async () => (await workflow.getAndResetSinkCalls()).map(({ args }) => args[0] as MirrorRows),
    destroy: async () => {
      await workflow.dispose();
      await creator.destroy();
    },
  };
}

export type Sandbox = Awaited<ReturnType<typeof sandboxed>>;
export type Commands = Command[];

/** The end of a local activity. */
export const localEnd = (seq: number, result: unknown): Job => ({
  resolveActivity: { seq, isLocal: true, result: { completed: { result: payload(result) } } },
});
