import type { CommandPayload } from "../command.ts";
import type { StepState } from "../state.ts";
import type { StepEnd } from "../steps/kind.ts";

/**
 * `retry-run` makes a new run; the others are commands to the run itself. `reopen` and `adopt` are what runs say to each
 * other: a parent to its sub-workflow that failed, a sub-workflow that runs again to its parent.
 */
export const RECOVERIES = [
  "retry-run",
  "retry",
  "replay-subtree",
  "skip",
  "force-complete",
  "reopen",
  "adopt",
] as const;
export type RecoveryVerb = (typeof RECOVERIES)[number];

export type RecoveryRequest = CommandPayload & { verb: RecoveryVerb; actor: string };

/** What a recovery does to one step, and why. */
export type Change =
  | { action: "reset"; as: "pending" | "waiting"; counted: boolean; child?: StepState["child"]; reason: string }
  | { action: "ended"; end: StepEnd; reason: string };
