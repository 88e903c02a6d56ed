import pMap from "p-map";
import { previewJobTrigger, triggerJob } from "./trigger-job.ts";
import type { FailedItem } from "../../contract/answers/problem.ts";
import type { BulkTriggerPlan, JobTriggerBody, Triggered, TriggeredBulk } from "../../contract/jobs/trigger.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnJob } from "../../queries/jobs.ts";

type Item = JobTriggerBody | Problem;

const CONCURRENCY = 8;

/** Each as a single trigger would be: one bad item spoils nothing. */
export async function triggerJobs(
  deps: Deps,
  caller: Caller,
  jobId: string,
  items: Item[],
  idempotencyKey?: string,
): Promise<TriggeredBulk> {
  await findOwnJob(deps, caller, jobId);
  return each(items, (body, index) =>
    triggerJob(deps, caller, jobId, body, body.idempotency_key ?? (idempotencyKey && `${idempotencyKey}/${index}`)),
  );
}

export async function previewJobTriggers(
  deps: Deps,
  caller: Caller,
  jobId: string,
  items: Item[],
): Promise<BulkTriggerPlan> {
  await findOwnJob(deps, caller, jobId);
  const planned = await each(items, async (body) => {
    const plan = await previewJobTrigger(deps, caller, jobId, body);
    for (const { message } of plan.refused) throw new Problem("conflict", message);
    return { status: "queued" as const, plan };
  });
  return { dry_run: true, ...planned };
}

async function each<Made extends Pick<Triggered, "status">>(
  items: Item[],
  make: (body: JobTriggerBody, index: number) => Promise<Made>,
) {
  let triggered = 0;
  const results = await pMap(
    items,
    async (item, index): Promise<({ index: number } & Made) | FailedItem> => {
      try {
        if (item instanceof Problem) throw item;
        const made = await make(item, index);
        triggered++;
        return { index, ...made };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const { code, message, details } = error;
        return { index, status: "failed", code, error: message, details };
      }
    },
    { concurrency: CONCURRENCY },
  );
  return { triggered, failed: results.length - triggered, results };
}
