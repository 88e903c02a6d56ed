import type { StepEnd } from "../engine/ending.ts";
import type { Plan, PlanStep } from "../engine/plan.ts";
import type { StepState } from "../engine/state.ts";
import type { Work } from "../engine/work.ts";

/** What is particular about a type of step. Everything here is pure, like the engine. */
export interface StepKind {
  /** Its status from its start to its end (contract §7.1: gates and sleeps sit in `waiting`). */
  open: "running" | "waiting";
  /** Completes the state of a step that starts now. */
  begin(start: { plan: Plan; i: number; definition: PlanStep; at: number }, step: StepState): void;
  /** What has to go on outside while the step is open, besides the timer of its deadline. */
  work(plan: Plan, i: number, step: StepState): Work[];
  /** What it means that the deadline has passed. */
  onDeadline(definition: PlanStep, step: StepState, at: number): StepEnd | "next attempt";
}
