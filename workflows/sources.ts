import type { PayloadSources } from "../activities/index.ts";
import type { Run } from "./engine/state.ts";

/** What the payload or the key of a step is rendered from, by reference where large: activities do the rendering. */
export function sourcesOf({ plan, state }: Run, i: number): PayloadSources {
  const parents = plan.dependencies[i] ?? [];
  const outputs = parents.flatMap((parent) => {
    const output = state.steps[parent]?.output;
    return output ? [[plan.steps[parent]?.step_ref ?? "", output] as [string, typeof output]] : [];
  });
  const { payload = plan.run.payload, step_payloads = plan.run.step_payloads } = state;
  const { step_ref = "", payload: own } = plan.steps[i] ?? {};
  return {
    project_id: plan.run.project_id,
    run_id: plan.run.id,
    trigger: payload,
    step: step_payloads && Object.hasOwn(step_payloads, step_ref) ? step_payloads[step_ref] : own,
    parents: parents.length > 0 ? outputs : undefined,
  };
}
