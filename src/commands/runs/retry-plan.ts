import { assertMayPass } from "./assert-may-pass.ts";
import { assertMayLeaveOut, headerIn } from "./other-version.ts";
import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { versionUnder } from "../../store/definitions/version-policy.ts";
import { findJob } from "../../store/jobs.ts";
import type { StoredRun } from "../../store/runs.ts";
import { planSteps } from "../../store/workflow-versions.ts";
import { findWorkflow, type StoredWorkflow } from "../../store/workflows.ts";
import { gatesMovedPast } from "../../../workflows/engine/gates/moved-past.ts";
import { involvedIn } from "../../../workflows/engine/gates/may-pass.ts";
import { enabledSteps, isRunOfJob, type Plan, planOf, type RunHeader } from "../../../workflows/engine/plan.ts";
import { keptFaults, stateIn } from "../../../workflows/engine/recovery/other-version.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";
import type { RunState } from "../../../workflows/engine/state.ts";
import { headerOf } from "../../../workflows/engine/mirror/stored-run.ts";
import { isRunOver } from "../../../workflows/engine/transitions.ts";

/** What a new run is held to, be it of a workflow or of a job by itself. */
type Limits = Pick<StoredWorkflow, "id" | "enabled" | "timeout_secs" | "max_concurrent_runs">;

/** What a run is retried as: its version, which may be another one than its own, and what is kept, as if it were of that. */
export interface RetryPlan {
  workflow: Limits;
  header: RunHeader;
  plan: Plan;
  state: RunState;
}

/** `asked`: in place of the workflow's own version policy. What others have made of the source is not said of its retry. */
export async function retryPlan(
  deps: Deps,
  caller: Caller,
  { retried_by_run_id, reopened_at, ...source }: StoredRun,
  asked?: VersionPolicy,
): Promise<RetryPlan> {
  const { db } = deps;
  const [workflow, { plan, state }] = await Promise.all([
    findWorkflow(db, source.workflow_id),
    mirroredRun(deps, source),
  ]);
  if (isRunOfJob(plan)) return { workflow: await limitsOfJob(deps, source), header: headerOf(source), plan, state };
  const version =
    workflow && (await versionUnder(db, asked ?? workflow.version_policy, workflow, source.workflow_version_id));
  if (!workflow || !version) throw new Problem("not_found", "workflow not found");
  const own = headerOf(source);
  const steps = enabledSteps(planSteps(version), source.step_overrides);
  const header = headerIn(own, version);
  // Also in its own version: a run that was moved to it has its steps at other places.
  const next = planOf(header, steps);
  if (version.version_id !== source.workflow_version_id) {
    if (isRunOver(state.status)) assertKept(keptFaults(plan, state, next), version.version);
    await assertMayLeaveOut(deps, caller, source, version);
    if (isRunOver(state.status)) assertMayMovePast(plan, state, next, caller);
  }
  return { workflow, header, plan: next, state: stateIn(plan, state, next) };
}

async function limitsOfJob({ db }: Deps, { workflow_id: id }: RunRow): Promise<Limits> {
  const job = await findJob(db, id);
  if (!job) throw new Problem("not_found", "job not found");
  return { id, enabled: job.enabled, timeout_secs: job.run_ttl_secs ?? 0, max_concurrent_runs: 0 };
}

function assertMayMovePast(plan: Plan, state: RunState, next: Plan, caller: Caller): void {
  const isReset = (ref: string) => state.steps[plan.index.get(ref) ?? -1]?.status !== "completed";
  assertMayPass(gatesMovedPast(plan, state, next, isReset), caller, involvedIn(plan, state));
}

function assertKept(faults: string[], version: number): void {
  if (faults.length === 0) return;
  const message = `workflow run cannot be retried in version ${version}: ${faults[0]}`;
  throw new Problem("conflict", message, faults.slice(0, 20));
}
