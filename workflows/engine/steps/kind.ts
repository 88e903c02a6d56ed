import type { JsonDoc } from "../../../src/contract/json.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { Cause, StepState } from "../state.ts";

/** What is particular about a type of step. Everything here is pure, like the engine. */
export interface StepKind {
  /** Its status from its start to its end (gates and sleeps sit in `waiting`). */
  open: "running" | "waiting";
  /** Completes the state of a step that starts now. */
  begin(start: { plan: Plan; i: number; definition: PlanStep; at: number }, step: StepState): void;
  /** What has to go on outside while the step is open, besides the timer of its deadline. */
  work(plan: Plan, i: number, step: StepState): Work[];
  /** What it means that the deadline has passed. */
  onDeadline(definition: PlanStep, step: StepState, at: number): StepEnd | "next attempt";
}

export interface StepEnd {
  status: "completed" | "failed" | "skipped" | "canceled";
  output?: JsonDoc;
  error?: string;
  cause?: Cause;
  /** How the step's approval and trigger close; whatever is still open afterwards is closed as canceled. */
  gate?: (step: StepState) => void;
}

/**
 * Something outside the engine that a step needs to be going on right now. The glue compares what should be going on
 * with what is, by key: it begins what is missing and cancels what is no longer wanted. So a pause, a reset, a
 * continue-as-new and a reopening need no lists of effects: what to do always follows from the state.
 */
export type Work =
  | { kind: "dispatch"; key: string }
  | { kind: "look-up"; key: string }
  | { kind: "open-wait"; key: string }
  | { kind: "notify"; key: string }
  | { kind: "child"; key: string; child_run_id: string }
  | { kind: "emit"; key: string }
  | { kind: "timer"; key: string; until: number };
