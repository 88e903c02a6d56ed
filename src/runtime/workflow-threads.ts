import { ThreadedVMWorkflowCreator, WorkerThreadClient } from "@temporalio/worker/lib/workflow/threaded-vm.js";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";

type SdkOptions = Parameters<typeof ThreadedVMWorkflowCreator.create>[0];

const SCRIPT = fileURLToPath(new URL("workflow-thread.cjs", import.meta.url));

/** The threads that run the workflows of a worker, begun by our script where the SDK would take its own. */
export async function workflowThreads({ threadPoolSize, logger, ...options }: SdkOptions) {
  const threads = Array.from({ length: threadPoolSize }, () => new WorkerThreadClient(new Thread(SCRIPT), logger));
  const init = { ...options, type: "init", hasPatchActivationCallback: false } as const;
  await Promise.all(threads.map((thread) => thread.send(init)));
  return new ThreadedVMWorkflowCreator(threads);
}
