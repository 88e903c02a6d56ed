import { leaveAttempt } from "../mirror/attempts.ts";
import { closeStep, endStep, skipUnreachable, touch } from "../ending.ts";
import type { Change } from "./request.ts";
import type { Recovery } from "./rule.ts";
import { isRunOfJob } from "../plan.ts";
import { expiry, type Run } from "../run.ts";
import { isDeadEnd } from "../schedule.ts";
import type { StepState } from "../state.ts";
import { isRunOver, isStepOver } from "../transitions.ts";

/** Does to the run what `recoveryOf` said. */
export function recover(run: Run, { changes, payloads, involved, isMoved }: Recovery, at: number): void {
  if (payloads?.payload) run.state.payload = payloads.payload;
  if (payloads?.step_payloads) run.state.step_payloads = { ...payloadsOf(run), ...payloads.step_payloads };
  if (involved && Object.keys(involved).length > 0) run.state.involved = involved;
  const reset: number[] = [];
  for (const [i, change] of changes) {
    if (change.action === "ended") endStep(run, i, change.end, at);
    else reset.push(i);
  }
  if (reset.length === 0) return;
  reopen(run, at);
  for (const i of reset) resetStep(run, i, changes.get(i) as Change & { action: "reset" }, at);
  // A reset step may also need one that ended badly outside of what was reset. In another version any step may.
  for (const i of isMoved ? run.state.steps.keys() : reset) {
    for (const parent of run.plan.dependencies[i] ?? []) {
      if (isDeadEnd(run.plan, run.state, parent)) skipUnreachable(run, parent, at);
    }
  }
}

const payloadsOf = ({ plan, state }: Run) => state.step_payloads ?? plan.run.step_payloads;

function reopen({ state, plan }: Run, at: number): void {
  if (isRunOver(state.status)) {
    state.finished_at = undefined;
    state.error = undefined;
    state.expires_at = expiry(plan, at);
  }
  state.status = "running";
}

function resetStep(run: Run, i: number, { as, counted, child }: Change & { action: "reset" }, at: number): void {
  const { status, started_at } = run.state.steps[i] as StepState;
  // What it has open is mirrored as closed before the state of the step is overwritten.
  if (!isStepOver(status) && (started_at !== undefined || isRunOfJob(run.plan)))
    closeStep(run, i, { status: "canceled", reset: true }, at);
  if (counted) leaveAttempt(run, i, at);
  touch(run, i, (step) => {
    const attempt = counted ? step.attempt + 1 : step.attempt;
    const fresh: StepState = {
      status: as,
      attempt,
      first_attempt: attempt,
      generation: step.generation + 1,
      revision: step.revision,
      ...(child && { child, child_run_id: step.child_run_id }),
    };
    for (const key of Object.keys(step) as (keyof StepState)[]) delete step[key];
    Object.assign(step, fresh);
  });
}
