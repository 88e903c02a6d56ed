import type { Deps } from "../deps.ts";
import { listApprovals } from "../store/approvals/approvals.ts";
import { listCommands } from "../store/commands.ts";
import { listWaitingEventTriggers } from "../store/event-triggers.ts";
import { listStepRows } from "../store/steps.ts";
import { findVersion } from "../store/workflow-versions.ts";
import { enabledSteps, planOf } from "../../workflows/engine/plan.ts";
import type { RunRow } from "../../workflows/engine/mirror/rows.ts";
import { restoredRun, type Run } from "../../workflows/engine/run.ts";
import { headerOf, mirroredState, placed } from "../../workflows/engine/mirror/stored-run.ts";
import { isRunOver } from "../../workflows/engine/transitions.ts";

/** A run as the mirror has it, in the engine's shape. It tells what a closed run would answer to a command. */
export async function mirroredRun({ db }: Deps, row: RunRow): Promise<Run> {
  const [version, rows, commands, approvals, waiting] = await Promise.all([
    findVersion(db, row.workflow_version_id),
    listStepRows(db, row.id),
    listCommands(db, row.id),
    listApprovals(db, row.id),
    isRunOver(row.status) ? [] : listWaitingEventTriggers(db, row.id),
  ]);
  const steps = enabledSteps(version?.steps ?? [], row.step_overrides);
  const plan = planOf(headerOf(row), placed(steps, rows));
  return restoredRun(plan, mirroredState(plan, row, rows, commands, approvals, waiting));
}
