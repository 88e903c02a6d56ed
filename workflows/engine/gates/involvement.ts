import type { Plan } from "../plan.ts";
import type { RecoveryRequest } from "../recovery/request.ts";
import type { RunState } from "../state.ts";
import type { Involvement } from "./gate.ts";
import { before } from "./reach.ts";

/** With the part that who asks for this has in the run. `passed`: the gates that it takes a right to. */
export function involvementBy(plan: Plan, state: RunState, request: RecoveryRequest, passed: string[]): Involvement {
  const was = state.involved ?? plan.run.involved ?? {};
  const { verb, step_ref = "", actor, payload, step_payloads } = request;
  if (payload || step_payloads) return { ...was, started: [...new Set([...(was.started ?? []), actor])] };
  if (verb !== "skip" && verb !== "force-complete") return was;
  const target = plan.index.get(step_ref) ?? -1;
  const held = new Set([target, ...before(plan, [target])]);
  const own = passed.filter((ref) => held.has(plan.index.get(ref) ?? -1));
  return own.length === 0 ? was : withPassed(was, own, actor);
}

export const withPassed = (was: Involvement, gates: string[], by: string): Involvement => ({
  ...was,
  passed: [
    ...(was.passed ?? []).filter((one) => one.by !== by || !gates.includes(one.step_ref)),
    ...gates.map((step_ref) => ({ step_ref, by })),
  ],
});
