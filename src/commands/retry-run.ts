import { enabledSteps, type RunHeader } from "../../workflows/engine/plan.ts";
import type { RunRow } from "../../workflows/engine/rows.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";
import type { Caller } from "../caller.ts";
import type { WorkflowRun } from "../contract/runs.ts";
import type { Deps } from "../deps.ts";
import { Problem } from "../errors.ts";
import { presentRun } from "../queries/present.ts";
import { currentRun } from "../queries/runs.ts";
import { findVersion, findWorkflow, planSteps } from "../store/workflows.ts";
import { runOnce } from "./run-once.ts";
import { startRun } from "./start-run.ts";

/** A new run of the same version that keeps the outputs of the source's completed steps (contract §2.7). */
export async function retryRun(
  deps: Deps,
  caller: Caller,
  runId: string,
  idempotencyKey?: string,
): Promise<WorkflowRun> {
  return presentRun(deps, await startRetry(deps, await currentRun(deps, caller, runId), idempotencyKey));
}

export async function startRetry(deps: Deps, source: RunRow, idempotencyKey?: string): Promise<RunRow> {
  if (!isRunOver(source.status)) throw new Problem("invalid_state", "can only retry a workflow run in terminal state");
  const [workflow, version] = await Promise.all([
    findWorkflow(deps.db, source.workflow_id),
    findVersion(deps.db, source.workflow_version_id),
  ]);
  if (!workflow || !version) throw new Problem("not_found", "workflow not found");
  if (!workflow.enabled) throw new Problem("conflict", "workflow is disabled");

  const steps = enabledSteps(planSteps(version), source.step_overrides);
  const asked = { projectId: source.project_id, operation: `retry ${source.id}`, body: {}, idempotencyKey };
  return runOnce(deps, asked, (id) => {
    const { status, error, started_at, finished_at, expires_at, revision, ...kept } = source;
    const header: RunHeader = {
      ...kept,
      id,
      triggered_by: "retry",
      retry_of_run_id: source.id,
      created_at: Date.now(),
      timeout_secs: workflow.timeout_secs,
    };
    return startRun(deps, header, steps, workflow.max_concurrent_runs, source.id);
  });
}
