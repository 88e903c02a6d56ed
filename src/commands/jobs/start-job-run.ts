import { v7 as uuid } from "uuid";
import { newVersionId } from "../definitions/version-id.ts";
import { type Started, startRun } from "../runs/start-run.ts";
import { type Json, type JsonDoc, stringifyJson } from "../../contract/json.ts";
import { now } from "../../time/clock.ts";
import { inTurn } from "../../time/in-turn.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { mismatch } from "../../rules/job-schemas.ts";
import { saveDocument } from "../../store/documents.ts";
import { planOfJobRuns } from "../../store/job-plans.ts";
import type { StoredJob } from "../../store/jobs.ts";
import { findVersion, planSteps, type StoredStep } from "../../store/workflow-versions.ts";
import { type PlanStep, RULES, type RunHeader } from "../../../workflows/engine/plan.ts";

export const DISABLED = "job is disabled";

/** What whoever starts it says of the run; the trace is that of the run that it retries. */
type Said = Pick<RunHeader, "triggered_by" | "created_by" | "tags" | "retry_of_run_id" | "trace">;

/**
 * Checks a run of the job by itself; answers how it is started, under an id. `payload`: what the endpoint is given, and the document
 * of it where that is stored already.
 */
export async function checkedJobRun(
  deps: Deps,
  job: StoredJob,
  said: Said,
  payload: { given: Json | undefined; stored?: JsonDoc },
): Promise<(runId: string) => Promise<Started>> {
  if (!job.enabled) throw new Problem("conflict", DISABLED);
  await assertTaken(job, payload.given);
  const { header, steps } = await jobRunToBe(deps, job, said);
  return async (runId) => {
    const save = () => saveDocument(deps.db, job.project_id, runId, stringifyJson(payload.given as Json));
    const doc = payload.stored ?? (payload.given === undefined ? undefined : await save());
    return startRun(deps, { ...header, id: runId, created_at: now(), payload: doc }, steps, 0);
  };
}

/** Throws where the payload is not what the job takes. */
export async function assertTaken(job: StoredJob, payload: Json | undefined): Promise<void> {
  if (job.payload_schema === undefined) return;
  const problem = await inTurn(job.project_id, () => mismatch(job, "payload_schema", givenBy(payload)));
  if (problem) throw new Problem("validation_error", problem, [problem]);
}

/** What the endpoint would be given. */
export const givenBy = (payload: Json | undefined): string => (payload === undefined ? "{}" : stringifyJson(payload));

/** A run of one step, which calls the job: all that holds for the run of a workflow holds for it. Its workflow is the job. */
async function jobRunToBe(
  { db }: Deps,
  job: StoredJob,
  said: Said,
): Promise<{ header: Omit<RunHeader, "id" | "created_at">; steps: PlanStep[] }> {
  const workflow_version_id = await planOfJobRuns(db, job, () => ({ version_id: newVersionId(), step: onlyStep(job) }));
  const version = await findVersion(db, workflow_version_id);
  const header = {
    ...said,
    workflow_id: job.id,
    workflow_name: job.name,
    project_id: job.project_id,
    workflow_version: 1,
    workflow_version_id,
    timeout_secs: job.run_ttl_secs || undefined,
    depth: 0,
    rules: RULES,
  };
  return { header, steps: version ? planSteps(version) : [] };
}

const onlyStep = ({ id }: StoredJob): StoredStep => ({
  id: uuid(),
  workflow_id: id,
  step_ref: "job",
  step_type: "job",
  job_id: id,
  depends_on: [],
  on_failure: "fail_workflow",
  retry_backoff: "exponential",
  resource_class: "small",
  created_at: now(),
});
