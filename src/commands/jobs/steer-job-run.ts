import { logged } from "../command-log.ts";
import { idempotentRun } from "../idempotency/idempotent.ts";
import type { Accepted } from "../accepted.ts";
import { checkedJobRun } from "./start-job-run.ts";
import { plannedRun } from "./trigger-job.ts";
import { cancelRun, previewCancel } from "../runs/cancel-run.ts";
import type { JobTriggerPlan, ReplayBody } from "../../contract/jobs/trigger.ts";
import { parseJson } from "../../contract/json.ts";
import type { JobRun } from "../../contract/jobs/runs.ts";
import type { DryRun } from "../../contract/runs.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { findOwnJobRun, getJobRun } from "../../queries/job-runs.ts";
import { findOwnJob } from "../../queries/jobs.ts";
import { loadText } from "../../store/documents.ts";
import { findJobRun, type StoredJobRun } from "../../store/job-runs.ts";
import type { StoredJob } from "../../store/jobs.ts";
import { presentJobRun } from "../../views/job-run.ts";
import { jobRunId } from "../../../workflows/engine/ids.ts";

/** Cancels the run that a trigger of the job made. */
export async function cancelJobRun(
  deps: Deps,
  caller: Caller,
  id: string,
  idempotencyKey?: string,
): Promise<Accepted | { run: JobRun }> {
  const { run_id } = await ownRun(deps, caller, id, "cancel");
  const canceled = await cancelRun(deps, caller, run_id, { idempotencyKey });
  return "accepted" in canceled ? canceled : { run: await getJobRun(deps, caller, id) };
}

export async function previewJobRunCancel(deps: Deps, caller: Caller, id: string): Promise<DryRun> {
  return previewCancel(deps, caller, (await ownRun(deps, caller, id, "cancel")).run_id);
}

/** A new run of the job with what this one was given, or with another payload. */
export function replayJobRun(
  deps: Deps,
  caller: Caller,
  id: string,
  body: ReplayBody,
  idempotencyKey?: string,
): Promise<JobRun> {
  return logged(
    deps,
    { verb: "replay-job-run", job_run: id, actor: caller.actor },
    async () => {
      const { source, job } = await replayed(deps, caller, id);
      const asked = { projectId: source.project_id, operation: `replay ${id}`, body, idempotencyKey };
      const row = await idempotentRun(deps, asked, async () => {
        const said = { ...saidOf(source, caller), retry_of_run_id: source.run_id, trace: source.run.trace };
        const stored = body.payload === undefined ? source.run.payload : undefined;
        const start = await checkedJobRun(deps, job, said, { given: await payloadOf(deps, source, body), stored });
        return async (runId) => (await start(runId)).row;
      });
      const made = await findJobRun(deps.db, jobRunId(row.id, 0, 0));
      if (!made) throw new Error(`run ${row.id} has no job run`);
      return presentJobRun(deps, made);
    },
    ({ id: job_run, workflow_run_id: run }) => ({ run, job_run }),
  );
}

export async function previewReplay(deps: Deps, caller: Caller, id: string, body: ReplayBody): Promise<JobTriggerPlan> {
  const { source, job } = await replayed(deps, caller, id);
  return plannedRun(job, { ...saidOf(source, caller), payload: await payloadOf(deps, source, body) });
}

const saidOf = ({ tags }: StoredJobRun, { actor }: Caller) => ({ triggered_by: "retry", created_by: actor, tags });

async function payloadOf({ db }: Deps, { run }: OwnRun, { payload }: ReplayBody) {
  if (payload !== undefined || !run.payload) return payload;
  return parseJson(await loadText(db, run.payload));
}

async function replayed(deps: Deps, caller: Caller, id: string): Promise<{ source: OwnRun; job: StoredJob }> {
  const source = await ownRun(deps, caller, id, "replay");
  if (source.status === "queued" || source.status === "executing")
    throw new Problem("invalid_state", "run must be terminal to replay");
  return { source, job: await findOwnJob(deps, caller, source.job_id) };
}

type OwnRun = StoredJobRun & { run: NonNullable<StoredJobRun["run"]> };

/** One that is a step of a workflow's run is that run's to steer. */
async function ownRun(deps: Deps, caller: Caller, id: string, verb: string): Promise<OwnRun> {
  const jobRun = await findOwnJobRun(deps, caller, id);
  if (jobRun.run) return jobRun as OwnRun;
  throw new Problem(
    "conflict",
    `run is a step of workflow run ${jobRun.run_id}: ${verb === "cancel" ? "cancel that" : "retry the step there"}`,
  );
}
