import { tsToMs } from "@temporalio/common/lib/time.js";
import type proto from "@temporalio/proto";
import { Worker } from "@temporalio/worker";
import type { Divergence, History } from "./divergence.ts";

type Schedule = proto.coresdk.workflow_commands.IScheduleActivity;
type Timeout = "scheduleToCloseTimeout" | "scheduleToStartTimeout" | "startToCloseTimeout" | "heartbeatTimeout";
const TIMEOUTS: Timeout[] = [
  "scheduleToStartTimeout",
  "startToCloseTimeout",
  "heartbeatTimeout",
  "scheduleToCloseTimeout",
];

/** The activities that a replayed workflow schedules, by id. `ownQueue` is the workflow's own task queue. */
export interface ScheduledActivities {
  ownQueue: string;
  asked: Map<string, Schedule>;
}

/**
 * A worker for replays that records the activities that workflows schedule. The SDK compares only an activity's type and id with the
 * history. But an interpreter that schedules it on another queue, or with other timeouts, would see it end otherwise.
 */
export function recordingWorker(replayed: Map<string, ScheduledActivities>): typeof Worker {
  return class extends Worker {
    protected static override createWorkflowCreator: typeof Worker.createWorkflowCreator = async (...args) => {
      const creator = await super.createWorkflowCreator(...args);
      const create = creator.createWorkflow.bind(creator);
      creator.createWorkflow = async (options) => {
        const { workflowId, taskQueue } = options.info;
        const asked: ScheduledActivities["asked"] = new Map();
        replayed.set(workflowId, { ownQueue: taskQueue, asked });
        const workflow = await create(options);
        const activate = workflow.activate.bind(workflow);
        workflow.activate = async (activation) => {
          const completion = await activate(activation);
          for (const { scheduleActivity } of completion.successful?.commands ?? [])
            if (scheduleActivity?.activityId) asked.set(scheduleActivity.activityId, scheduleActivity);
          return completion;
        };
        return workflow;
      };
      return creator;
    };
  };
}

/** The first activity of a history that today's workflows would have scheduled otherwise. */
export function otherwiseScheduled(
  { events }: History,
  { ownQueue, asked }: ScheduledActivities,
): Divergence | undefined {
  const { taskQueue } = events?.[0]?.workflowExecutionStartedEventAttributes ?? {};
  for (const [i, { activityTaskScheduledEventAttributes: scheduled }] of (events ?? []).entries()) {
    const today = asked.get(scheduled?.activityId ?? "");
    if (!scheduled || !today) continue;
    const queues = [placeOf(scheduled.taskQueue?.name, taskQueue?.name), placeOf(today.taskQueue, ownQueue)] as const;
    const timeouts = TIMEOUTS.map((name) => [name, msOf(scheduled[name]), msOf(today[name])] as const);
    const [name, then, now] = [["taskQueue", ...queues] as const, ...timeouts].find(([, a, b]) => a !== b) ?? [];
    if (name === undefined) continue;
    const activity = `activity ${scheduled.activityId} (${scheduled.activityType?.name})`;
    return { event: i + 1, message: `${activity} was scheduled with ${name} ${then}, and today with ${now}` };
  }
  return undefined;
}

const placeOf = (queue: string | null | undefined, own: string | null | undefined): string =>
  !queue || queue === own ? "of the workflow" : queue;

const msOf = (duration: Parameters<typeof tsToMs>[0]): string => `${duration ? tsToMs(duration) : 0} ms`;
