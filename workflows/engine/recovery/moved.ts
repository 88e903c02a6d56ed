import { quoted } from "../../expressions/printed.ts";
import { type Refusal, refused } from "../command.ts";
import { involvedIn, passProblem } from "../gates/may-pass.ts";
import { gatesMovedPast } from "../gates/moved-past.ts";
import { type NewVersion, type Plan, planOf, type PlanStep } from "../plan.ts";
import type { Run } from "../run.ts";
import { scheduleOf } from "../schedule.ts";
import type { RunState, StepState } from "../state.ts";
import { hasBegun, isStepOver } from "../transitions.ts";
import { keptFault, stateIn } from "./other-version.ts";
import type { RecoveryRequest } from "./request.ts";
import { asksWho, type Recovery, recoveryOf } from "./rule.ts";

/** A recovery, and the run that it is of: as it is, or as it is in the version that the request moves it to. */
export interface RecoveryIn {
  plan: Plan;
  state: RunState;
  recovery: Recovery;
}

export function recoveryIn(plan: Plan, state: RunState, request: RecoveryRequest): RecoveryIn | Refusal {
  const { in_version } = request;
  const next = in_version ? movedPlan(plan, in_version) : plan;
  const moved = in_version ? stateIn(plan, state, next) : state;
  const recovery = recoveryOf(next, moved, request);
  if ("status" in recovery) return recovery;
  if (!in_version) return { plan, state, recovery };
  const faults = faultsOf(plan, state, in_version.steps, recovery);
  if (faults.length > 0) {
    const message = `workflow run cannot go on in version ${in_version.workflow_version}: ${faults[0]}`;
    return refused("conflict", message, faults.slice(0, 20));
  }
  const problem = asksWho(plan, request) ? moveProblem(plan, state, next, recovery, request) : undefined;
  if (problem !== undefined) return refused("forbidden", problem);
  for (const [i, change] of recovery.changes) {
    // A sub-workflow run is not opened again where another workflow is to run.
    const isSame = plan.steps[i]?.sub_workflow_id === next.steps[i]?.sub_workflow_id;
    if (change.action === "reset" && !isSame) change.child = undefined;
  }
  return { plan: next, state: moved, recovery: { ...recovery, isMoved: true } };
}

function moveProblem(plan: Plan, state: RunState, next: Plan, { changes }: Recovery, request: RecoveryRequest) {
  const isReset = (ref: string) => changes.get(next.index.get(ref) ?? -1)?.action === "reset";
  return passProblem(gatesMovedPast(plan, state, next, isReset), request, involvedIn(plan, state), plan.run.rules ?? 0);
}

/** Steps keep their place, by which all that belongs to them is known. Those that are new come last. */
function movedPlan(plan: Plan, { steps, ...header }: NewVersion): Plan {
  const byRef = new Map(steps.map((step) => [step.step_ref, step]));
  const added = steps.filter(({ step_ref }) => !plan.index.has(step_ref));
  return planOf({ ...plan.run, ...header }, [...plan.steps.map((step) => byRef.get(step.step_ref) ?? step), ...added]);
}

/** Why a run can't go on in a version: what it keeps has to be there as it was, and what is open can't be of another type. */
function faultsOf(plan: Plan, state: RunState, steps: PlanStep[], { changes }: Recovery): string[] {
  const byRef = new Map(steps.map((step) => [step.step_ref, step]));
  return plan.steps.flatMap((was, i) => {
    const step = state.steps[i] as StepState;
    const is = byRef.get(was.step_ref);
    const fault = keptFault(was, is, step, plan.run.rules);
    const isKept = hasBegun(step) && changes.get(i)?.action !== "reset";
    const isOpenOtherwise = hasBegun(step) && !isStepOver(step.status) && was.step_type !== is?.step_type;
    const counts = fault !== undefined && (isKept || isOpenOtherwise || !is);
    return counts ? [`step ${quoted(was.step_ref)} is ${step.status}, and ${fault}`] : [];
  });
}

/** From now on the run is one of that version. */
export function move(run: Run, { plan, state }: RecoveryIn): void {
  if (plan === run.plan) return;
  run.plan = plan;
  run.state.steps = state.steps;
  run.schedule = scheduleOf(plan, run.state);
  // The mirror has to have a row of each: only they tell which place a step has.
  for (const [i, step] of state.steps.entries()) {
    step.revision = run.state.revision;
    run.dirty.steps.add(i);
    run.touched.add(i);
  }
}
