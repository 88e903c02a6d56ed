import { type ActivityOptions, proxyActivities } from "@temporalio/workflow";
import type { Activities } from "./activity-types.ts";
import { HEARTBEAT_TIMEOUT_MS, TAKEN_UP_MS } from "./timing.ts";

/** An outage of Postgres is waited out, however long it takes: only then does the activity succeed. */
const UNTIL_IT_WORKS: ActivityOptions["retry"] = {
  initialInterval: "250ms",
  backoffCoefficient: 2,
  maximumInterval: "3s",
};

/** What a worker that died had begun of our own reads and writes is begun again after this. */
const IN_A_MOMENT = "10s";

/** Longest that one HTTP attempt may take; a job's own timeout (at most a day) ends it earlier. */
const LONGEST_ATTEMPT = "25h";

/** Reads and writes of our own, each done in a moment. */
export const effects = proxyActivities<Activities>({ startToCloseTimeout: IN_A_MOMENT, retry: UNTIL_IT_WORKS });

/** Activities of a step carry its step_ref as their summary, which the Web UI shows as their name. */
export const stepEffects = (step_ref: string) =>
  proxyActivities<Activities>({
    startToCloseTimeout: IN_A_MOMENT,
    retry: UNTIL_IT_WORKS,
    cancellationType: "TRY_CANCEL",
    summary: step_ref,
  });

/** Of a URL of the definition's, tried for some two minutes. An attempt is over within seconds, and is not cut off. */
export const stepNotification = (step_ref: string) =>
  proxyActivities<Pick<Activities, "notifyWait">>({
    startToCloseTimeout: IN_A_MOMENT,
    retry: { initialInterval: "1s", backoffCoefficient: 2, maximumAttempts: 8 },
    cancellationType: "WAIT_CANCELLATION_COMPLETED",
    summary: step_ref,
  });

type Dispatch = Pick<Activities, "dispatchJob">;

/** A worker that died with an attempt is noticed by its missing heartbeats; an endpoint's failure is final here. */
const ATTEMPT: ActivityOptions = {
  startToCloseTimeout: LONGEST_ATTEMPT,
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: "TRY_CANCEL",
};

/**
 * One HTTP attempt, by any worker. Temporal's own retries are for a Postgres that is away. Missing heartbeats may also
 * mean an outage of the Temporal server: whether another worker is to call again, dispatch decides. By rules 0 the server did.
 */
export const stepDispatch = (step_ref: string, rules: number) =>
  proxyActivities<Dispatch>({
    ...ATTEMPT,
    ...(rules >= 1
      ? { retry: { ...UNTIL_IT_WORKS, nonRetryableErrorTypes: ["TemporalTimeout:Heartbeat"] } }
      : { retry: UNTIL_IT_WORKS, heartbeatTimeout: "10s" }),
    summary: step_ref,
  });

/**
 * The attempt that the process of this task queue makes already. Retried while that process lives, so that an outage of
 * the Temporal server repeats no call.
 */
export const stepDispatchAt = (taskQueue: string, step_ref: string) =>
  proxyActivities<Dispatch>({
    ...ATTEMPT,
    taskQueue,
    scheduleToStartTimeout: TAKEN_UP_MS,
    retry: { ...UNTIL_IT_WORKS, nonRetryableErrorTypes: ["WorkerShutdown"] },
    summary: step_ref,
  });

/** Some seconds of a bulk operation's work, which another worker takes up when its own has died with it. */
export const bulkChunks = proxyActivities<Pick<Activities, "settleBulkChunk">>({
  startToCloseTimeout: "1h",
  heartbeatTimeout: "10s",
  retry: UNTIL_IT_WORKS,
});

/** Some minutes of what retention deletes. */
export const sweeps = proxyActivities<Pick<Activities, "letGo">>({
  startToCloseTimeout: "1h",
  heartbeatTimeout: "10s",
  retry: UNTIL_IT_WORKS,
});

/** Tried for a day, at last once an hour. An attempt sends to one receiver, within a minute. */
export const webhookAttempts = proxyActivities<Pick<Activities, "deliverWebhook">>({
  startToCloseTimeout: "1m",
  scheduleToCloseTimeout: "24h",
  retry: { initialInterval: "5s", backoffCoefficient: 2, maximumInterval: "1h" },
});
