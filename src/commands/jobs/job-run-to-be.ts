import { v7 as uuid } from "uuid";
import { newVersionId } from "../definitions/version-id.ts";
import { now } from "../../time/clock.ts";
import type { Deps } from "../../deps.ts";
import { planOfJobRuns } from "../../store/job-plans.ts";
import type { StoredJob } from "../../store/jobs.ts";
import { findVersion, planSteps, type StoredStep } from "../../store/workflow-versions.ts";
import { type PlanStep, RULES, type RunHeader } from "../../../workflows/engine/plan.ts";

/** A run of one step, which calls the job: all that holds for the run of a workflow holds for it. Its workflow is the job. */
export async function jobRunToBe(
  { db }: Deps,
  job: StoredJob,
  said: Pick<RunHeader, "triggered_by" | "created_by" | "tags" | "retry_of_run_id">,
): Promise<{ header: Omit<RunHeader, "id" | "created_at">; steps: PlanStep[] }> {
  const workflow_version_id = await planOfJobRuns(db, job, newVersionId(), onlyStep(job));
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
