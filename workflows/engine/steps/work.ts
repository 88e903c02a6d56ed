import type { Run } from "../run.ts";
import { isStepOver } from "../transitions.ts";
import { STEP_KINDS } from "./index.ts";
import { ofStep } from "./of-step.ts";
import type { Work } from "./kind.ts";

export function workOf(run: Run, i: number): Work[] {
  const of = ofStep(run, i);
  if (!of) return [];
  const { step } = of;
  if (isStepOver(step.status)) return step.emitting ? [{ kind: "emit", key: `emit/${step.generation}` }] : [];
  if (step.started_at === undefined) return step.asking ? [{ kind: "look-up", key: `look-up/${step.generation}` }] : [];
  const work = STEP_KINDS[of.definition.step_type].work(of);
  if (step.deadline === undefined) return work;
  return [...work, { kind: "timer", key: `timer/${step.generation}/${step.deadline}`, until: step.deadline }];
}
