import proto from "@temporalio/proto";
import { expect, inject, test } from "vitest";
import { readHistory } from "./histories.ts";
import { recordingWorker, type ScheduledActivities } from "../../src/cli/scheduled-activities.ts";
import { dataConverter } from "../../src/temporal/payload-codec.ts";
import { TASK_QUEUE } from "../../workflows/messages.ts";
import "./quiet-runtime.ts";

type Event = proto.temporal.api.history.v1.IHistoryEvent;

// Numbers of temporal.api.enums.v1.
const SCHEDULE_TO_START = 2;
const [TIMED_OUT, FAILED] = [14, 13];

// The retry of a slow step, scheduled at the queue of the process that had made its last call.
const SCHEDULED = 25;

const failure = (cause: object) => ({ activityTaskFailedEventAttributes: { scheduledEventId: SCHEDULED, ...cause } });
const timeout = (timeoutType: number) => ({
  activityTaskTimedOutEventAttributes: {
    scheduledEventId: SCHEDULED,
    failure: { message: "activity timeout", timeoutFailureInfo: { timeoutType } },
    retryState: 2,
  },
});
const shutDown = failure({
  failure: {
    message: "the worker was shut down",
    applicationFailureInfo: { type: "WorkerShutdown", nonRetryable: false },
  },
  retryState: 2,
});

/** What the run asks for once the slow step's activity has ended so. */
async function askedAfter(end: object, eventType: number) {
  const recorded = readHistory("both-lanes").events ?? [];
  const { eventTime, workflowTaskScheduledEventAttributes } = recorded[27] as Event;
  const started = { eventType: 11, activityTaskStartedEventAttributes: { scheduledEventId: SCHEDULED, attempt: 1 } };
  const task = { eventType: 5, workflowTaskScheduledEventAttributes };
  const ended = [...(eventType === FAILED ? [started] : []), { ...end, eventType }];
  const scheduledEventId = SCHEDULED + ended.length + 1;
  const taken = { eventType: 6, workflowTaskStartedEventAttributes: { scheduledEventId } };
  const later = [...ended, task, taken].map((event, i) => ({ ...event, eventId: SCHEDULED + 1 + i, eventTime }));
  const events = [...recorded.slice(0, SCHEDULED), ...later];
  const history = proto.temporal.api.history.v1.History.fromObject({ events });
  const replayed = new Map<string, ScheduledActivities>();
  const options = {
    workflowBundle: { codePath: inject("bundlePath") },
    dataConverter,
    sinks: { bestEffortMirror: { write: { fn: () => {} } } },
  };
  const errors: unknown[] = [];
  for await (const { error } of recordingWorker(replayed).runReplayHistories(options, [
    { workflowId: "lost", history },
  ]))
    if (error) errors.push(error);
  const { asked, ownQueue } = replayed.get("lost") as ScheduledActivities;
  const dispatches = [...asked.values()].filter(({ activityType }) => activityType === "dispatchJob");
  return { errors, queues: dispatches.map(({ taskQueue }) => (taskQueue === ownQueue ? TASK_QUEUE : taskQueue)) };
}

test.each([
  ["nobody took it up in time", timeout(SCHEDULE_TO_START), TIMED_OUT],
  ["the process was shut down", shutDown, FAILED],
] as const)("%s: the call is made by any process, and the step does not fail (%#)", async (_, end, type) => {
  const { errors, queues } = await askedAfter(end, type);
  expect(errors).toEqual([]);
  expect(queues).toHaveLength(4);
  expect(queues.at(-1)).toBe(TASK_QUEUE);
});
