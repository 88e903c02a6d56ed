import type { RunStatus, StepStatus } from "../../../src/contract/runs.ts";
import type { Told } from "../../expressions/told-conditions.ts";

/** Why a step that could go on does not. Times are epoch milliseconds. What is mirrored of these keeps its members. */
export type Wait =
  | { reason: "dependencies"; done: number; required: number; waits_for: string[] }
  | { reason: "paused"; by?: string }
  | { reason: "max_parallel_steps"; limit: number }
  | { reason: "concurrency_key"; concurrency_key: string }
  | { reason: "resource_class"; resource_class: string; limit: number }
  /** In large documents, which its condition asks for. */
  | { reason: "values" }
  /** `required`: of a gate that one approval does not open. `level`: how many steps of its escalation were taken. */
  | { reason: "approval"; approvers: string[]; until?: number; approved?: number; required?: number; level?: number }
  /** Without a key, it is still being registered. */
  | { reason: "event"; event_key?: string; until?: number }
  | { reason: "sleep"; until: number }
  /** `attempt`: the one that is to come, within its job run. */
  | { reason: "retry"; attempt: number; max_attempts?: number; at: number };

/** Why a step ended as it did, where that was not its own work. */
export type End =
  | { reason: "condition"; tests: Told[] }
  | { reason: "skip" | "force-complete"; by: string; comment?: string };

export type Reason = Wait | End;

/** What is told of a run that is read, and never mirrored: rows and definition say it at any time. */
export type Derived =
  | Reason
  | { reason: "not_taken_up" }
  | { reason: "dependency"; step_ref: string; status: StepStatus }
  | { reason: "disabled"; by?: string }
  /** Of the run itself, and of no step. */
  | { reason: "run_paused"; by?: string; comment?: string }
  | { reason: "run_over"; status: RunStatus; by?: string; comment?: string; error?: string };

/** Steps that had, from this time on, this reason. Of thousands that wait for the same it is one. */
export interface DecisionRow {
  at: number;
  /** Ranges of indexes, as Postgres writes them: {[0,3),[7,8)}. */
  steps: string;
  reason: Reason;
}
