import type { CommandOutcome } from "../command.ts";
import type { DecisionRow } from "../reasons/reason.ts";
import type { ApprovalRow, AttemptRow, JobRunRow, TriggerRow } from "./rows.ts";

/**
 * Changes on their way to the mirror, up to a revision. What belongs to one generation of a step (its approval, trigger
 * and job run) is kept as a row, as it was when it changed last: a reset step no longer has it.
 */
export interface Changes {
  steps: Set<number>;
  approvals: Map<string, ApprovalRow>;
  triggers: Map<string, TriggerRow>;
  jobRuns: Map<string, JobRunRow>;
  attempts: AttemptRow[];
  commands: CommandOutcome[];
  decisions: DecisionRow[];
  revision: number;
}

export const noChanges = (revision: number): Changes => ({
  steps: new Set(),
  approvals: new Map(),
  triggers: new Map(),
  jobRuns: new Map(),
  attempts: [],
  commands: [],
  decisions: [],
  revision,
});
