import { ApplicationFailure } from "@temporalio/activity";
import type { Deps } from "../src/deps.ts";
import { listApprovals } from "../src/store/approvals/approvals.ts";
import { listCommands } from "../src/store/commands.ts";
import { findRun } from "../src/store/runs.ts";
import { listStepRows } from "../src/store/steps.ts";
import { findVersion, planSteps } from "../src/store/workflow-versions.ts";
import type { Activities } from "../workflows/activity-types.ts";
import { enabledSteps } from "../workflows/engine/plan.ts";
import { approvalState } from "../workflows/engine/steps/approval.ts";
import { isKeptByRetry } from "../workflows/engine/recovery/rule.ts";
import { headerOf, placed } from "../workflows/engine/mirror/stored-run.ts";

export function loadRun({ db }: Deps): Activities["loadRun"] {
  return async ({ run_id }) => {
    const row = await findRun(db, run_id);
    const version = row && (await findVersion(db, row.workflow_version_id));
    if (!row || !version) throw ApplicationFailure.nonRetryable(`run ${run_id} is not stored`, "RunNotFound");
    const [rows, commands, approvals] = await Promise.all([
      listStepRows(db, run_id),
      listCommands(db, run_id),
      listApprovals(db, run_id),
    ]);
    const steps = placed(enabledSteps(planSteps(version), row.step_overrides), rows);
    return { row, header: headerOf(row), steps, rows, commands, approvals };
  };
}

export function loadCompleted({ db }: Deps): Activities["loadCompleted"] {
  return async ({ run_id }) => {
    const [rows, approvals] = await Promise.all([listStepRows(db, run_id), listApprovals(db, run_id)]);
    const approvalOf = new Map(approvals.map((row) => [row.step_run_id, approvalState(row)]));
    return rows
      .filter(isKeptByRetry)
      .map(({ id, step_ref, output, cause }) => ({ step_ref, output, cause, approval: approvalOf.get(id) }));
  };
}
