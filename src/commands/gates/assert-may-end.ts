import { assertMayPass } from "../runs/assert-may-pass.ts";
import type { Deps } from "../../deps.ts";
import type { Caller } from "../../identity/caller.ts";
import { mirroredRun } from "../../queries/mirrored-run.ts";
import { findRun } from "../../store/runs.ts";
import { stepsOfVersion } from "../../store/workflow-versions.ts";
import { involvedIn, isGate } from "../../../workflows/engine/gates/may-pass.ts";
import { stepRunId } from "../../../workflows/engine/ids.ts";
import type { RunRow, TriggerRow } from "../../../workflows/engine/mirror/rows.ts";
import type { Run } from "../../../workflows/engine/run.ts";
import { letsGoOn } from "../../../workflows/engine/schedule.ts";
import { isRunOver, isStepOver } from "../../../workflows/engine/transitions.ts";

/**
 * Who ends a sub-workflow lets go on what comes after its step, where that goes on after a failure (`on_failure: continue`), and so
 * passes what nobody has decided in it. The same where a run above it fails with it, and has such a step.
 */
export async function assertMayEnd(deps: Deps, caller: Caller, row: RunRow): Promise<void> {
  const ended: Run[] = [];
  let endsAtOnce = true;
  for (let one: RunRow | undefined = row; one?.parent_workflow_run_id && !isRunOver(one.status); ) {
    const above: RunRow | undefined = await findRun(deps.db, one.parent_workflow_run_id);
    if (!above || isRunOver(above.status)) return;
    if (endsAtOnce) ended.push(await mirroredRun(deps, one));
    const then = await onFailureOf(deps, above, one);
    if (then === "continue") {
      for (const run of ended) assertMayPass(undecidedIn(run), caller, involvedIn(run.plan, run.state));
      return;
    }
    if (then === undefined) return;
    endsAtOnce = then === "fail_workflow";
    one = above;
  }
}

/** The same of the end of a wait, which fails its step: where that fails the run, it ends the run. */
export async function assertMayFail(deps: Deps, caller: Caller, { run_id, step_ref }: TriggerRow): Promise<void> {
  const row = await findRun(deps.db, run_id);
  if (!row?.parent_workflow_run_id) return;
  const steps = await stepsOfVersion(deps.db, row.workflow_version_id);
  const failing = steps.find((step) => step.step_ref === step_ref);
  if (failing?.on_failure === "fail_workflow") await assertMayEnd(deps, caller, row);
}

/** Undefined: the step has no use for the sub-workflow any more. */
async function onFailureOf(deps: Deps, above: RunRow, { id, parent_step_run_id }: RunRow): Promise<string | undefined> {
  const { plan, state } = await mirroredRun(deps, above);
  const i = plan.steps.findIndex((_, i) => stepRunId(above.id, i) === parent_step_run_id);
  const { status = "canceled", child_run_id = id } = state.steps[i] ?? {};
  return isStepOver(status) || child_run_id !== id ? undefined : plan.steps[i]?.on_failure;
}

const undecidedIn = ({ plan, state }: Run) => plan.steps.filter((step, i) => isGate(step) && !letsGoOn(plan, state, i));
