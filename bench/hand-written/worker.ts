import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger, NativeConnection } from "@temporalio/worker";
import pino from "pino";
import { runProcess } from "../../src/run-process.ts";
import { installRuntime } from "../../src/temporal-worker.ts";
import { UntimedWorker } from "../../src/untimed-worker.ts";
import { READY } from "../servers/node-process.ts";
import * as activities from "./activities.ts";
import { HAND_WRITTEN } from "./task-queue.ts";

/** The worker of the hand-written workflows, a process of its own, with the options of src/temporal-worker.ts. */
await runProcess(async (onStop) => {
  installRuntime(pino({ level: "warn" }));
  const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? "" });
  const worker = await UntimedWorker.create({
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
