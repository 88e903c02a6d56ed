import { attempting } from "../bulk/each-run.ts";
import { eachItem } from "./each-item.ts";
import { previewJobTrigger, triggerJob } from "./trigger-job.ts";
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
  // One whose answer was lost may have begun: tried again, it would be another run.
  const { attempt, assertAny } = attempting(deps, 1);
  const done = await counted(items, async (body, index) => {
    const key = body.idempotency_key ?? (idempotencyKey && `${idempotencyKey}/${index}`);
    const made = await attempt(() => triggerJob(deps, caller, jobId, body, key));
    if ("error" in made) throw new Problem(made.code, made.error, made.details);
    return made.value;
  });
  assertAny(done.triggered);
  return done;
}

export async function previewJobTriggers(
  deps: Deps,
  caller: Caller,
  jobId: string,
  items: Item[],
): Promise<BulkTriggerPlan> {
  await findOwnJob(deps, caller, jobId);
  const planned = await counted(items, async (body) => {
    const plan = await previewJobTrigger(deps, caller, jobId, body);
    for (const { message } of plan.refused) throw new Problem("conflict", message);
    return { status: "queued" as const, plan };
  });
  return { dry_run: true, ...planned };
}

async function counted<Made extends Pick<Triggered, "status">>(
  items: Item[],
  make: (body: JobTriggerBody, index: number) => Promise<Made>,
) {
  const results = await eachItem(items, CONCURRENCY, make);
  // By its status, the run of a repeated trigger may have failed, too.
  const failed = results.filter((result) => "code" in result).length;
  return { triggered: results.length - failed, failed, results };
}
