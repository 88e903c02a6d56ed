import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from "@temporalio/worker";
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { Attempts } from "../../activities/calls/calls-in-flight.ts";
import { serverAnswers } from "../../activities/calls/is-awaited.ts";
import { MOST_QUICK_CALLS } from "../../activities/calls/play-ahead.ts";
import { createActivities } from "../../activities/index.ts";
import { mirrorInPassing, MirrorWriter } from "../../activities/mirror.ts";
import type { Deps } from "../deps.ts";
import { TaskWatch } from "./task-watch.ts";
import { untimedWorker } from "./unwatched-worker.ts";
import { dataConverter } from "../temporal/payload-codec.ts";
import { TASK_QUEUE } from "../../workflows/messages.ts";

/** Once a process, before its first worker. Signals stay ours, so that HTTP drains before the worker does. */
export function installRuntime(log: Logger): void {
  Runtime.install({
    shutdownSignals: [],
    // The native core would write to the console by itself.
    telemetryOptions: { logging: { filter: { core: "WARN", other: "ERROR" }, forward: {} } },
    logger: new DefaultLogger("WARN", ({ level, message, meta }) => {
      log[level === "ERROR" ? "error" : "warn"]({ ...meta }, message);
    }),
  });
}

/** How long the calls that a worker hands over as it stops may take to be awaited again. */
const HAND_OVER_MS = 5_000;

/** A worker that runs until its `stop`. `ended` rejects when it fails. */
export async function startWorker(
  deps: Deps,
  workflowBundle: WorkflowBundleOption,
  writer = new MirrorWriter(deps.db),
) {
  const ownQueue = `${TASK_QUEUE}-${randomUUID()}`;
  const attempts = new Attempts(() => serverAnswers(deps));
  const common = {
    connection: deps.temporal.connection,
    namespace: deps.config.temporalNamespace,
    dataConverter,
    activities: createActivities(deps, ownQueue, attempts, writer),
    sinks: mirrorInPassing(writer, deps.log),
    // A canceled dispatch hears of it at its next heartbeat.
    maxHeartbeatThrottleInterval: "1s",
    // Most of them only wait for an endpoint.
    maxConcurrentActivityTaskExecutions: 2 * MOST_QUICK_CALLS,
    shutdownGraceTime: "5s",
    shutdownForceTime: "15s",
  } as const;
  const watch = new TaskWatch();
  const workers = await Promise.all([
    untimedWorker(watch).create({ ...common, taskQueue: TASK_QUEUE, workflowBundle, maxCachedWorkflows: 500 }),
    // Waits for the calls that this process has begun.
    Worker.create({ ...common, taskQueue: ownQueue }),
  ]);
  const running = workers.map((worker) => worker.run());
  const ended = Promise.race([Promise.all(running), watch.stuck]);
  const end = (i: 0 | 1) => {
    if (workers[i].getState() === "RUNNING") workers[i].shutdown();
    return running[i];
  };
  return {
    ended,
    /** One after the other: what the last workflow tasks hand over to this process finds the second one still there. */
    async stop() {
      await end(0);
      await attempts.noneLeft(HAND_OVER_MS);
      await end(1);
    },
  };
}
