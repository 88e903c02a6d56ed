import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from "@temporalio/worker";
import { randomUUID } from "node:crypto";
import { CallsInFlight } from "../../activities/calls/calls-in-flight.ts";
import { serverAnswers } from "../../activities/calls/is-awaited.ts";
import { MOST_QUICK_CALLS } from "../../activities/calls/playback.ts";
import { createActivities } from "../../activities/index.ts";
import { Journal } from "../../activities/calls/journal.ts";
import { bestEffortMirror, MirrorWriter } from "../../activities/mirror.ts";
import { dropSpans, exportingSpans } from "../commands/export-spans.ts";
import { startingDeliveries } from "../commands/webhooks/start-deliveries.ts";
import type { Deps } from "../deps.ts";
import { type StuckError, TaskWatch } from "./task-watch.ts";
import { scheduleRetention } from "./retention-schedule.ts";
import { untimedWorker } from "./unwatched-worker.ts";
import { listStuckWorkflows, rememberStuckWorkflow } from "../store/stuck-workflows.ts";
import { reasonToldByCore } from "../temporal/core-failure.ts";
import { isCurrentTask } from "../temporal/is-current-task.ts";
import { dataConverter } from "../temporal/payload-codec.ts";
import { BULK_WORKFLOW_TYPE } from "../../workflows/bulk/messages.ts";
import { COMMAND, TASK_QUEUE } from "../../workflows/messages.ts";
import { HEARTBEAT_MS, ORPHANS_AWAITED_MS } from "../../workflows/timing.ts";

/** Warnings of the SDK that say nothing new: a failed run has its own line, and the queue of this process's calls has no workflows. */
const NO_NEWS = /^(Workflow failed$|No workflows registered)/;

type Level = "info" | "warn" | "error";
const LEVELS: { [level: string]: Level } = { INFO: "info", ERROR: "error" };

/** Of the SDK's own metrics, by Prometheus' conventions. */
const METRICS = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

/**
 * To be called once, before the first worker. Signals are left to us, so that HTTP drains before the worker does. `metricsAt`: where
 * the SDK is to tell its own metrics.
 */
export function installRuntime(log: Record<Level, (told: object, message: string) => void>, metricsAt?: string): void {
  Runtime.install({
    shutdownSignals: [],
    // Otherwise the native core writes to the console.
    telemetryOptions: {
      logging: { filter: { core: "WARN", other: "ERROR" }, forward: {} },
      ...(metricsAt && { metrics: { prometheus: { bindAddress: metricsAt, ...METRICS } } }),
    },
    logger: new DefaultLogger("INFO", ({ level, message, meta }) => {
      if (NO_NEWS.test(message) || (level === "INFO" && message !== COMMAND)) return;
      const { workflowId, workflowType, activityType: activity, attempt, taskQueue: queue, error } = { ...meta };
      const of = workflowType === BULK_WORKFLOW_TYPE ? { bulk_operation: workflowId } : { run: workflowId };
      // What our own workflows log of a command.
      const { verb, actor, step_ref: step, outcome, code, reason } = { ...meta };
      const told = { ...of, activity, attempt, queue, error, verb, actor, step, outcome, code, reason };
      log[LEVELS[level] ?? "warn"]({ ...told, ...failedTask(meta) }, message);
    }),
  });
}

/** What the SDK's core tells of a workflow task that failed, for which it does not know the run. */
function failedTask({ runId: execution, failure }: Record<string, unknown> = {}) {
  const reason = reasonToldByCore(String(failure));
  return { execution, ...(reason !== undefined && { reason: reason.slice(0, REASON_CHARACTERS) }) };
}

const REASON_CHARACTERS = 1_000;
const FORGET_EVERY_MS = 3_600_000;

/** A worker that runs until its `stop`. `ended` rejects when it fails. */
export async function startWorker(
  deps: Deps,
  workflowBundle: WorkflowBundleOption,
  journal = new Journal(deps),
  writer = new MirrorWriter(deps, journal),
) {
  const ownQueue = `${TASK_QUEUE}-${randomUUID()}`;
  const calls = new CallsInFlight(() => serverAnswers(deps));
  const common = {
    connection: deps.temporal.connection,
    namespace: deps.config.temporalNamespace,
    dataConverter,
    activities: createActivities(deps, ownQueue, calls, journal, writer),
    sinks: bestEffortMirror(writer, deps.log),
    // A canceled dispatch hears of it at its next heartbeat.
    maxHeartbeatThrottleInterval: HEARTBEAT_MS,
    // Most of them only wait for an endpoint.
    maxConcurrentActivityTaskExecutions: 2 * MOST_QUICK_CALLS,
    shutdownForceTime: `${deps.config.drainSecs + 10}s`,
  } as const;
  const forgetting = setInterval(() => {
    journal.forget().catch((err) => deps.log.warn({ err }, "the journal keeps what is over"));
    dropSpans(deps).catch((err) => deps.log.warn({ err }, "spans are kept that nobody exports"));
  }, FORGET_EVERY_MS).unref();
  const deliveries = startingDeliveries(deps);
  const spans = deps.tracing && exportingSpans(deps, deps.tracing);
  const drainTime = `${deps.config.drainSecs}s` as const;
  await scheduleRetention(deps);
  const watch = new TaskWatch();
  const suspected = await suspectedDefinitions(deps);
  const workers = await Promise.all([
    untimedWorker(watch, suspected.known, (...of) => isCurrentTask(deps, ...of)).create({
      ...common,
      taskQueue: TASK_QUEUE,
      workflowBundle,
      maxCachedWorkflows: 500,
      shutdownGraceTime: drainTime,
    }),
    // For activities that wait for calls that this process has begun.
    Worker.create({ ...common, taskQueue: ownQueue, shutdownGraceTime: "1s" }),
  ]);
  const running = workers.map((worker) => worker.run());
  const ended = Promise.race([Promise.all(running), watch.stuck.catch((error) => suspect(deps, error))]);
  const end = (i: 0 | 1) => {
    if (workers[i].getState() === "RUNNING") workers[i].shutdown();
    return running[i];
  };
  return {
    ended,
    /** Calls that wait for their endpoint, and writes that wait for their turn. */
    load: () => ({ calls: calls.open, mirrorWrites: writer.waiting }),
    waitsFor: () => `the tasks of the worker and the calls of jobs (${calls.open}), at most ${deps.config.drainSecs} s`,
    /** One after the other: what the last workflow tasks hand over to this process finds the second one still there. */
    async stop() {
      const drained = Date.now() + deps.config.drainSecs * 1000;
      suspected.stop();
      // What these are at may wait for a collector that hangs. Meanwhile nothing new is taken.
      const others = Promise.all([deliveries.stop(), spans?.stop()]);
      await end(0);
      await calls.noneOrphaned(ORPHANS_AWAITED_MS);
      await calls.noneOpen(drained - Date.now());
      await end(1);
      clearInterval(forgetting);
      await Promise.all([journal.settled(), others]);
    },
  };
}

const SUSPECTED_EVERY_MS = 10_000;

/** The definitions that got stuck in any worker. They are read again and again until `stop`. */
async function suspectedDefinitions({ db, log }: Deps) {
  const known = new Set(await listStuckWorkflows(db));
  const look = async () => {
    for (const id of await listStuckWorkflows(db)) known.add(id);
  };
  const complain = (err: unknown) => log.warn({ err }, "stuck workflows are not known");
  const looking = setInterval(() => look().catch(complain), SUSPECTED_EVERY_MS).unref();
  return { known, stop: () => clearInterval(looking) };
}

/** Notes the definition, so that no other worker gets stuck in it. */
async function suspect({ db, log }: Deps, error: StuckError): Promise<never> {
  const { runId, definition } = error.of;
  log.error({ run: runId, workflow: definition }, error.message);
  if (definition !== undefined)
    await rememberStuckWorkflow(db, definition, runId).catch((err) => log.error({ err }, "not remembered as stuck"));
  throw error;
}
