import type { RunStatus, StepStatus } from "../../src/contract/runs.ts";
import type { StepState } from "./state.ts";

/**
 * Which status may follow which. docs/state-machine.md draws these tables and a test holds the drawing against them.
 * A terminal status is only left by recovery (retry, replay-subtree): that is the last row of each table.
 */
export const RUN_TRANSITIONS: Record<RunStatus, readonly RunStatus[]> = {
  pending: ["running", "canceled"],
  running: ["paused", "completed", "failed", "timed_out", "canceled"],
  paused: ["running", "completed", "failed", "timed_out", "canceled"],
  completed: ["running"],
  failed: ["running"],
  timed_out: ["running"],
  canceled: ["running"],
};

/** `pending → failed` and `waiting → failed` are a condition that can't be evaluated, and a gate that times out. */
export const STEP_TRANSITIONS: Record<StepStatus, readonly StepStatus[]> = {
  pending: ["waiting", "running", "completed", "failed", "skipped", "canceled"],
  waiting: ["pending", "running", "completed", "failed", "skipped", "canceled"],
  running: ["completed", "failed", "canceled"],
  completed: ["pending", "waiting"],
  failed: ["pending", "waiting"],
  skipped: ["pending", "waiting"],
  canceled: ["pending", "waiting"],
};

export const isRunOver = (status: RunStatus): boolean =>
  status === "completed" || status === "failed" || status === "timed_out" || status === "canceled";

export const isStepOver = (status: StepStatus): boolean =>
  status === "completed" || status === "failed" || status === "skipped" || status === "canceled";

/** Also of a step that is over without having started: skipped, or canceled. */
export const hasBegun = ({ status, started_at }: Pick<StepState, "status" | "started_at">): boolean =>
  isStepOver(status) || started_at !== undefined;
