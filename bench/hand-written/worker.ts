import { bundleWorkflowCode, DefaultLogger, NativeConnection } from "@temporalio/worker";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { HAND_WRITTEN } from "./task-queue.ts";
import { READY } from "../servers/node-process.ts";
import { runProcess } from "../../src/runtime/process.ts";
import { TaskWatch } from "../../src/runtime/task-watch.ts";
import { untimedWorker } from "../../src/runtime/unwatched-worker.ts";
import { installRuntime } from "../../src/runtime/worker.ts";
import * as activities from "./activities.ts";

/** The worker of the hand-written workflows, a process of its own, with the options of src/runtime/worker.ts. */
await runProcess(async ({ onStop }) => {
  installRuntime(pino({ level: "warn" }));
  const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? "" });
  const worker = await untimedWorker(new TaskWatch()).create({
    connection,
    namespace: "default",
    taskQueue: HAND_WRITTEN,
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL("workflows.ts", import.meta.url)),
      logger: new DefaultLogger("WARN"),
    }),
    activities,
    maxCachedWorkflows: 1000,
    maxHeartbeatThrottleInterval: "1s",
    shutdownGraceTime: "5s",
    shutdownForceTime: "15s",
  });
  const ended = worker.run().finally(() => connection.close());
  onStop(async () => {
    if (worker.getState() === "RUNNING") worker.shutdown();
    await ended;
  });
  console.log(READY);
  await ended;
});
