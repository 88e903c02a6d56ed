import type { Run } from "../run.ts";
import { STEP_KINDS } from "./index.ts";
import type { Work } from "./kind.ts";
import { isStepOver } from "../transitions.ts";

export function workOf(run: Run, i: number): Work[] {
  const step = run.state.steps[i];
  const plan = run.plan.steps[i];
  if (!step || !plan) return [];
  if (isStepOver(step.status)) return step.emitting ? [{ kind: "emit", key: `emit/${step.generation}` }] : [];
  if (step.started_at === undefined) return step.asking ? [{ kind: "look-up", key: `look-up/${step.generation}` }] : [];
  const work = STEP_KINDS[plan.step_type].work(run.plan, i, step);
  if (step.deadline === undefined) return work;
  return [...work, { kind: "timer", key: `timer/${step.generation}/${step.deadline}`, until: step.deadline }];
}
