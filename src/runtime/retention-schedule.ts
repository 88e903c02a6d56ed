import { ScheduleAlreadyRunning, ScheduleNotFoundError, type ScheduleOptions } from "@temporalio/client";
import type { Deps } from "../deps.ts";
import { TASK_QUEUE } from "../../workflows/messages.ts";
import { type Sweep, SWEEP_SCHEDULE_ID, SWEEP_WORKFLOW_TYPE } from "../../workflows/retention/messages.ts";

const ANSWERS_WITHIN_MS = 10_000;

/**
 * Sees to it that the rules are followed once a day, or no more if there are none. When it happens, and whether it is paused, is the
 * operator's to change in Temporal: that stays.
 */
export async function scheduleRetention({ temporal, config, log }: Deps): Promise<void> {
  const { retention } = config;
  try {
    await temporal.withDeadline(Date.now() + ANSWERS_WITHIN_MS, () =>
      retention === undefined ? unschedule(temporal) : schedule(temporal, { retention }),
    );
  } catch (err) {
    log.warn({ err, retention }, "the schedule of retention is as it was");
  }
}

async function schedule(temporal: Deps["temporal"], sweep: Sweep): Promise<void> {
  const action: ScheduleOptions["action"] = {
    type: "startWorkflow",
    workflowType: SWEEP_WORKFLOW_TYPE,
    workflowId: SWEEP_SCHEDULE_ID,
    taskQueue: TASK_QUEUE,
    args: [sweep],
    staticSummary: `keeps ${sweep.retention}`,
  };
  try {
    await temporal.schedule.create({
      scheduleId: SWEEP_SCHEDULE_ID,
      spec: { intervals: [{ every: "1 day", offset: "3 hours" }] },
      policies: { overlap: "SKIP", catchupWindow: "1 day" },
      action,
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await temporal.schedule.getHandle(SWEEP_SCHEDULE_ID).update((known) => ({ ...known, action }));
  }
}

async function unschedule(temporal: Deps["temporal"]): Promise<void> {
  try {
    await temporal.schedule.getHandle(SWEEP_SCHEDULE_ID).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}
