import type { Plan } from "../plan.ts";
import type { Change, RecoveryRequest } from "../recovery/request.ts";
import type { RunState, StepState } from "../state.ts";
import { hasBegun } from "../transitions.ts";
import type { Involvement } from "./gate.ts";
import { approversOf } from "./may-pass.ts";
import { swayedBy } from "./reach.ts";

/**
 * With the part that who asks for this has in the run, and with those whose approvals it takes back. `passed`: the gates that it
 * passes.
 */
export function involvementBy(
  plan: Plan,
  state: RunState,
  request: RecoveryRequest,
  passed: string[],
  changes: ReadonlyMap<number, Change>,
): Involvement {
  const was = (plan.run.rules ?? 0) >= 4 ? withTakenBack(plan, state, changes) : involvementOf(plan, state);
  const { verb, actor, payload, step_payloads } = request;
  if (payload || step_payloads) return { ...was, started: [...new Set([...(was.started ?? []), actor])] };
  const isUndecided = verb === "skip" || verb === "force-complete";
  return isUndecided && passed.length > 0 ? withPassed(was, passed, actor) : was;
}

const involvementOf = (plan: Plan, { involved }: RunState): Involvement => involved ?? plan.run.involved ?? {};

/** A reset gate knows its approvers no more. Where not all that they let pass runs again, they have approved it all the same. */
function withTakenBack(plan: Plan, state: RunState, changes: ReadonlyMap<number, Change>): Involvement {
  const isReset = (i: number) => changes.get(i)?.action === "reset";
  let involved = involvementOf(plan, state);
  for (const i of changes.keys()) {
    const { approval } = state.steps[i] as StepState;
    if (!isReset(i) || approval?.status !== "approved") continue;
    const stays = [...swayedBy(plan, [i])].some((j) => !isReset(j) && hasBegun(state.steps[j] as StepState));
    const step_ref = plan.steps[i]?.step_ref as string;
    if (stays) for (const by of approversOf(approval)) involved = withPassed(involved, [step_ref], by);
  }
  return involved;
}

export const withPassed = (was: Involvement, gates: string[], by: string): Involvement => ({
  ...was,
  passed: [
    ...(was.passed ?? []).filter((one) => one.by !== by || !gates.includes(one.step_ref)),
    ...gates.map((step_ref) => ({ step_ref, by })),
  ],
});
