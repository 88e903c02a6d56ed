import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from "@temporalio/worker";
import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { Attempts } from "../../activities/calls/calls-in-flight.ts";
import { serverAnswers } from "../../activities/calls/is-awaited.ts";
import { MOST_QUICK_CALLS } from "../../activities/calls/play-ahead.ts";
import { createActivities } from "../../activities/index.ts";
import { mirrorInPassing, MirrorWriter } from "../../activities/mirror.ts";
import type { Deps } from "../deps.ts";
import { type StuckError, TaskWatch } from "./task-watch.ts";
import { untimedWorker } from "./unwatched-worker.ts";
import { listStuckWorkflows, rememberStuckWorkflow } from "../store/stuck-workflows.ts";
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
  const suspected = await suspectedDefinitions(deps);
  const workers = await Promise.all([
    untimedWorker(watch, suspected.known).create({
      ...common,
      taskQueue: TASK_QUEUE,
      workflowBundle,
      maxCachedWorkflows: 500,
    }),
    // Waits for the calls that this process has begun.
    Worker.create({ ...common, taskQueue: ownQueue }),
  ]);
  const running = workers.map((worker) => worker.run());
  const ended = Promise.race([Promise.all(running), watch.stuck.catch((error) => suspect(deps, error))]);
  const end = (i: 0 | 1) => {
    if (workers[i].getState() === "RUNNING") workers[i].shutdown();
    return running[i];
  };
  return {
    ended,
    /** One after the other: what the last workflow tasks hand over to this process finds the second one still there. */
    async stop() {
      suspected.stop();
      await end(0);
      await attempts.noneLeft(HAND_OVER_MS);
      await end(1);
    },
  };
}

const SUSPECTED_EVERY_MS = 10_000;

/** Those that all workers know of, until `stop`. */
async function suspectedDefinitions({ db, log }: Deps) {
  const known = new Set(await listStuckWorkflows(db));
  const look = async () => {
    for (const id of await listStuckWorkflows(db)) known.add(id);
  };
  const complain = (err: unknown) => log.warn({ err }, "stuck workflows are not known");
  const looking = setInterval(() => look().catch(complain), SUSPECTED_EVERY_MS).unref();
  return { known, stop: () => clearInterval(looking) };
}

/** The next worker does not get stuck by the same definition. */
async function suspect({ db, log }: Deps, error: StuckError): Promise<never> {
  const { runId, definition } = error.of;
  log.error({ runId, workflowId: definition }, error.message);
  if (definition !== undefined)
    await rememberStuckWorkflow(db, definition, runId).catch((err) => log.error({ err }, "not remembered as stuck"));
  throw error;
}
