import type { JsonDoc } from "../../../src/contract/json.ts";
import type { RunStatus } from "../../../src/contract/runs.ts";
import type { StepInput } from "../../../src/contract/steps.ts";
import type { CommandPayload, Refusal, StepVerb } from "../command.ts";
import type { Gate, Involved, Opened } from "../gates/gate.ts";
import type { ApprovalRow, JobRunRow, TriggerRow } from "../mirror/rows.ts";
import type { Wait } from "../reasons/reason.ts";
import type { Plan, PlanStep } from "../plan.ts";
import type { Cause, StepState } from "../state.ts";
import type { Fault } from "./fault.ts";

/** A step of a run: where it stands in the plan, what its definition says of it, and its state. */
export interface StepOf {
  plan: Plan;
  i: number;
  definition: PlanStep;
  step: StepState;
}

/** All that is particular about a type of step. Everything here is pure, like the engine. */
export interface StepKind {
  /** Its status from its start to its end (gates and sleeps sit in `waiting`). */
  open: "running" | "waiting";
  /** Whether its event_emit_key is sent once its own work has succeeded. */
  emits: boolean;
  /** Completes the state of a step that starts now. A deadline set here gets a timer. */
  begin(of: StepOf, at: number): void;
  /** What has to go on outside while the step is open, besides the timer of its deadline. */
  work(of: StepOf): Work[];
  /** Why the open step waits. Undefined: something goes on for it. */
  waits(of: StepOf): Wait | undefined;
  /** What it means that the deadline has passed. */
  onDeadline(of: StepOf, at: number): StepEnd | StepChange | "next attempt";
  /** Closes what the step still has open of its own when it ends, whatever ends it. */
  close(step: StepState, end: StepEnd): void;

  /** The rows it has besides the step's. */
  rows(of: StepOf, run: RunStatus): OwnRows;
  /** Whether a started step may show that it has started. Left out: at once. */
  showsStart?(step: StepState): boolean;

  /** The verbs that are this type's. Each is also asked about steps of other types, and says why they don't take it. */
  commands: Partial<Record<StepVerb, StepCommand>>;
  /** The verb that an event sent to the step's key is. Left out: it takes no events. */
  eventVerb?: StepVerb;
  /** Why it is not completed by force with the output that is given. Left out: any will do. */
  forcedOtherwise?(of: StepOf, command: CommandPayload): Refusal | undefined;
  /** Each approval that the step is, or holds. Whoever passes the step over passes those approvals. */
  gates(definition: PlanStep, opened?: Opened): Gate[];

  /** What a step of this type lacks, in the words that published clients know. */
  lacks(input: StepInput): Iterable<Fault>;
  /** What is wrong with the fields of this type. They are looked at on steps of other types too, where they have no effect. */
  faults(input: StepInput): Iterable<Fault>;
}

/** Says how the step ends, how it goes on otherwise, or why it does not take the command. `involved`: in the run, besides this step; to find out takes a look at all its steps. */
export type StepCommand = (
  of: StepOf,
  command: CommandPayload & { actor: string; at: number },
  involved: () => Involved,
) => StepEnd | StepChange | Refusal;

/** The step stays as open as it is. */
export interface StepChange {
  status: "changed";
  gate: (step: StepState) => void;
}

export interface OwnRows {
  approval?: ApprovalRow;
  trigger?: TriggerRow;
  jobRun?: JobRunRow;
}

export interface StepEnd {
  status: "completed" | "failed" | "skipped" | "canceled";
  output?: JsonDoc;
  error?: string;
  cause?: Cause;
  /** Who ended the step in place of its own work, and why. */
  override?: { actor: string; reason?: string };
  /** The step ends only to begin again. */
  reset?: true;
  /** Settles the step's approval and trigger; the kind's `close` cancels what is still open afterwards. */
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
  | { kind: "open-gate"; key: string }
  | { kind: "open-wait"; key: string }
  | { kind: "notify"; key: string }
  | { kind: "child"; key: string; child_run_id: string }
  | { kind: "emit"; key: string }
  | { kind: "timer"; key: string; until: number };
