import { STEP_KINDS } from "../steps/index.ts";
import type { Run } from "./state.ts";
import { isStepOver } from "./transitions.ts";

/**
 * Something outside the engine that a step needs to be going on right now. The glue compares what should be going on
 * with what is, by key: it begins what is missing and cancels what is no longer wanted. So a pause, a reset, a
 * continue-as-new and a reopening need no lists of effects: what to do always follows from the state.
 */
export type Work =
  | { kind: "dispatch"; key: string }
  | { kind: "open-wait"; key: string }
  | { kind: "child"; key: string; child_run_id: string }
  | { kind: "emit"; key: string }
  | { kind: "timer"; key: string; until: number };

export function workOf(run: Run, i: number): Work[] {
  const step = run.state.steps[i];
  const plan = run.plan.steps[i];
  if (!step || !plan) return [];
  if (isStepOver(step.status)) return step.emitting ? [{ kind: "emit", key: `emit/${step.generation}` }] : [];
  if (step.started_at === undefined) return [];
  const work = STEP_KINDS[plan.step_type].work(run.plan, i, step);
  if (step.deadline === undefined) return work;
  return [...work, { kind: "timer", key: `timer/${step.generation}/${step.deadline}`, until: step.deadline }];
}
