import { assertMayPass } from "./assert-may-pass.ts";
import type { VersionPolicy } from "../../contract/workflows.ts";
import type { Deps } from "../../deps.ts";
import { Problem } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { versionUnder } from "../../store/definitions/version-policy.ts";
import { findJob } from "../../store/jobs.ts";
import { findVersion, planSteps, type StoredVersion } from "../../store/workflow-versions.ts";
import { findWorkflow } from "../../store/workflows.ts";
import { gatesLeftOut } from "../../../workflows/engine/gates/left-out.ts";
import { involvedIn } from "../../../workflows/engine/gates/may-pass.ts";
import { enabledSteps, type NewVersion, type PlanStep, type RunHeader } from "../../../workflows/engine/plan.ts";
import type { RunRow } from "../../../workflows/engine/mirror/rows.ts";

/** What a version says of the runs that are of it. */
function headerOfVersion(version: StoredVersion): Omit<NewVersion, "steps" | "timeout_secs"> {
  const { name, version: workflow_version, version_id, max_parallel_steps } = version;
  return { workflow_name: name, workflow_version, workflow_version_id: version_id, max_parallel_steps };
}

/** What is fixed about a run, as if it were one of that version. */
export const headerIn = (header: RunHeader, version: StoredVersion): RunHeader => ({
  ...header,
  ...headerOfVersion(version),
});

/** The version that an open or closed run is to go on in. Undefined: it stays in its own. */
export async function versionToGoOnIn(
  deps: Deps,
  caller: Caller,
  row: RunRow,
  policy: VersionPolicy = "pin",
): Promise<NewVersion | undefined> {
  const { db } = deps;
  if (policy === "pin") return undefined;
  const workflow = await findWorkflow(db, row.workflow_id);
  // A run of a job calls the job as it is now, whatever its version.
  if (!workflow && (await findJob(db, row.workflow_id))) return undefined;
  const version = workflow && (await versionUnder(db, policy, workflow, row.workflow_version_id));
  if (!version) throw new Problem("not_found", "workflow not found");
  if (version.version_id === row.workflow_version_id) return undefined;
  await assertMayLeaveOut(deps, caller, row, version);
  const steps = enabledSteps(planSteps(version), row.step_overrides);
  return { ...headerOfVersion(version), timeout_secs: workflow.timeout_secs, steps };
}

/** Gates that the run's overrides pass only in this version: whoever triggered it was asked about the others. */
export async function assertMayLeaveOut(deps: Deps, caller: Caller, row: RunRow, version: StoredVersion) {
  const old = await findVersion(deps.db, row.workflow_version_id);
  const { plan, state } = await mirroredRun(deps, row);
  // What is left out has not opened: whom its references would lead to nobody knows.
  assertMayPass(newlyLeftOut(row, version, old), caller, { ...involvedIn(plan, state), opened: undefined });
}

function newlyLeftOut({ step_overrides }: RunRow, version: StoredVersion, old: StoredVersion | undefined): PlanStep[] {
  const before = new Set(gatesLeftOut(old ? planSteps(old) : [], step_overrides).map(({ step_ref }) => step_ref));
  return gatesLeftOut(planSteps(version), step_overrides).filter(({ step_ref }) => !before.has(step_ref));
}
