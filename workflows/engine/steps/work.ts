import type { Run } from "../run.ts";
import { isStepOver } from "../transitions.ts";
import { STEP_KINDS } from "./index.ts";
import type { Work } from "./kind.ts";

export function workOf({ plan, state }: Run, i: number): Work[] {
  const step = state.steps[i];
  const definition = plan.steps[i];
  if (!step || !definition) return [];
  if (isStepOver(step.status)) return step.emitting ? [{ kind: "emit", key: `emit/${step.generation}` }] : [];
  if (step.started_at === undefined) return step.asking ? [{ kind: "look-up", key: `look-up/${step.generation}` }] : [];
  const work = STEP_KINDS[definition.step_type].work({ plan, i, definition, step });
  if (step.deadline === undefined) return work;
  return [...work, { kind: "timer", key: `timer/${step.generation}/${step.deadline}`, until: step.deadline }];
}
