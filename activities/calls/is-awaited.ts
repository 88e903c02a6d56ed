import { WorkflowNotFoundError } from "@temporalio/client";
import type { Deps } from "../../src/deps.ts";
import type { DispatchInput } from "../../workflows/activity-types.ts";
import { isDispatchingQuery } from "../../workflows/messages.ts";

const ANSWER_WITHIN_MS = 3_000;

/**
 * Whether an activity may yet come to wait for a call: its run is open, and its step is at it. While nobody can tell,
 * because the server is away, it may: then as soon as it is back.
 */
export async function isAwaited({ temporal }: Deps, { job_run_id, sources }: DispatchInput): Promise<boolean> {
  try {
    return await temporal.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
      const run = temporal.workflow.getHandle(sources.run_id);
      if ((await run.describe()).status.name !== "RUNNING") return false;
      return (await run.query(isDispatchingQuery, job_run_id)) ?? true;
    });
  } catch (error) {
    return !(error instanceof WorkflowNotFoundError);
  }
}

export const serverAnswers = ({ temporal }: Deps): Promise<boolean> =>
  temporal
    .withDeadline(Date.now() + ANSWER_WITHIN_MS, () => temporal.workflowService.getSystemInfo({}))
    .then(
      () => true,
      () => false,
    );
