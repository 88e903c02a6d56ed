import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import { assertScope, type Caller, senderOf } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { versionUnder } from "../../store/definitions/version-policy.ts";
import { findJob } from "../../store/jobs.ts";
import { findVersion, planSteps, type StoredVersion } from "../../store/workflow-versions.ts";
import { findWorkflow, type StoredWorkflow } from "../../store/workflows.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { mayPass } from "../../../workflows/engine/gates/may-pass.ts";
import {
  enabledSteps,
  isRunOfJob,
  type Plan,
  planOf,
  type PlanStep,
  type RunHeader,
} from "../../../workflows/engine/plan.ts";
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

/** `asked`: in place of the workflow's own version policy. */
export async function retryPlan(deps: Deps, caller: Caller, source: RunRow, asked?: VersionPolicy): Promise<RetryPlan> {
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
  if (version.version_id === source.workflow_version_id)
    return { workflow, header: own, plan: planOf(own, steps), state };

  const header = headerIn(own, version);
  const next = planOf(header, steps);
  if (isRunOver(state.status)) assertKept(keptFaults(plan, state, next), version.version);
  const old = await findVersion(db, source.workflow_version_id);
  const passed = newlyLeftOut(source, version, old);
  if (!mayPass(passed, senderOf(caller))) assertScope(caller, "approvals:override");
  return { workflow, header, plan: next, state: stateIn(plan, state, next) };
}

/** What is fixed about a run, as if it were one of that version. */
export function headerIn(header: RunHeader, version: StoredVersion): RunHeader {
  const {
    name: workflow_name,
    version: workflow_version,
    version_id: workflow_version_id,
    max_parallel_steps,
  } = version;
  return { ...header, workflow_name, workflow_version, workflow_version_id, max_parallel_steps };
}

async function limitsOfJob({ db }: Deps, { workflow_id: id }: RunRow): Promise<Limits> {
  const job = await findJob(db, id);
  if (!job) throw new Problem("not_found", "job not found");
  return { id, enabled: job.enabled, timeout_secs: job.run_ttl_secs ?? 0, max_concurrent_runs: 0 };
}

function assertKept(faults: string[], version: number): void {
  if (faults.length === 0) return;
  const message = `workflow run cannot be retried in version ${version}: ${faults[0]}`;
  throw new Problem("conflict", message, faults.slice(0, 20));
}

/** Gates that the run's overrides pass only in this version: whoever triggered it was asked about the others. */
function newlyLeftOut({ step_overrides }: RunRow, version: StoredVersion, old: StoredVersion | undefined): PlanStep[] {
  const before = new Set(gatesLeftOut(old ? planSteps(old) : [], step_overrides).map(({ step_ref }) => step_ref));
  return gatesLeftOut(planSteps(version), step_overrides).filter(({ step_ref }) => !before.has(step_ref));
}
