import { logged } from "../command-log.ts";
import { idempotentRun } from "../idempotency/idempotent.ts";
import { assertTaken, checkedJobRun, DISABLED, givenBy } from "./start-job-run.ts";
import type { JobTriggerBody, JobTriggerPlan, Triggered } from "../../contract/jobs/trigger.ts";
import type { Json } from "../../contract/json.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { type Caller, projectOf } from "../../identity/caller.ts";
import { payloadHash, runToken } from "../../identity/run-token.ts";
import { findOwnJob } from "../../queries/jobs.ts";
import { findJobRun } from "../../store/job-runs.ts";
import type { StoredJob } from "../../store/jobs.ts";
import { jobRunId } from "../../../workflows/engine/ids.ts";

/** Starts a run of the job by itself. Under the same key again it is the same run, whatever the job is by then. */
export function triggerJob(
  deps: Deps,
  caller: Caller,
  jobId: string,
  body: JobTriggerBody,
  idempotencyKey = body.idempotency_key,
): Promise<Triggered> {
  let run: string | undefined;
  const act = async () => {
    const job = await triggered(deps, caller, jobId, body);
    const asked = {
      projectId: job.project_id,
      operation: `trigger ${job.id}`,
      body: { ...body, idempotency_key: undefined },
      idempotencyKey,
    };
    let isNew = false;
    const { id: runId } = await idempotentRun(deps, asked, async () => {
      const said = { triggered_by: "manual", created_by: caller.actor, tags: body.tags };
      const start = await checkedJobRun(deps, job, said, { given: body.payload });
      return async (id) => {
        const started = await start(id);
        isNew = started.isNew;
        return started.row;
      };
    });
    run = runId;
    const id = jobRunId(runId, 0, 0);
    const known = isNew ? undefined : await findJobRun(deps.db, id);
    const secret = deps.config.runTokenSecret;
    const payload_hash = hashOf(body.payload);
    return {
      id,
      status: known?.status ?? "queued",
      idempotency_hit: !isNew,
      payload_hash,
      ...(secret && { run_token: runToken(secret, id, job.timeout_secs, payload_hash) }),
    } satisfies Triggered;
  };
  return logged(deps, { verb: "trigger-job", actor: caller.actor }, act, ({ id: job_run }) => ({ run, job_run }));
}

/** The run that it would make, and what would refuse it. */
export async function previewJobTrigger(
  deps: Deps,
  caller: Caller,
  jobId: string,
  body: JobTriggerBody,
): Promise<JobTriggerPlan> {
  const job = await triggered(deps, caller, jobId, body);
  return plannedRun(job, { ...body, triggered_by: "manual", created_by: caller.actor });
}

export async function plannedRun(
  job: StoredJob,
  said: { payload?: Json; tags?: Record<string, string>; triggered_by: string; created_by: string },
): Promise<JobTriggerPlan> {
  await assertTaken(job, said.payload);
  const { triggered_by, created_by, payload, tags } = said;
  const { id: job_id, project_id } = job;
  return {
    dry_run: true,
    run: { job_id, project_id, status: "queued", triggered_by, created_by, payload, tags },
    payload_hash: hashOf(payload),
    refused: job.enabled ? [] : [{ code: "conflict", message: DISABLED }],
  };
}

async function triggered(deps: Deps, caller: Caller, jobId: string, body: JobTriggerBody): Promise<StoredJob> {
  if (body.project_id !== undefined) projectOf(caller, body.project_id);
  const job = await findOwnJob(deps, caller, jobId);
  if (body.project_id !== undefined && body.project_id !== job.project_id)
    throw new Problem("not_found", "job not found");
  return job;
}

const hashOf = (payload: Json | undefined): string => payloadHash(givenBy(payload));
